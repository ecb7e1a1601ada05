import type { Frame } from '../parts.ts';
import { Csrf, documentOf } from './document.tsx';
import { Field } from './parts.tsx';
import { Report, type ReportProps } from './report/report.tsx';

/** A report for whoever has the link. */
export function sharedReportPage(frame: Frame, report: ReportProps): string {
  const { domain } = report.data.site;
  return documentOf({
    frame,
    title: domain,
    width: 'wide',
    children: (
      <>
        <h1 class="site-name">{domain}</h1>
        <Report {...report} />
      </>
    ),
  });
}

export function sharePasswordPage(
  frame: Frame,
  { base, name, problem }: { base: string; name: string; problem?: string },
): string {
  return documentOf({
    frame,
    title: name,
    width: 'narrow',
    children: (
      <div class="alone">
        <h1>{name}</h1>
        <form method="post" action={base} class="stack">
          <Csrf frame={frame} />
          <Field
            name="password"
            label="Password of this link"
            type="password"
            autocomplete="current-password"
            required
            autofocus
            maxlength={200}
            error={problem}
          />
          <button type="submit" class="primary">
            Open
          </button>
        </form>
      </div>
    ),
  });
}
