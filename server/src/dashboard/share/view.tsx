import { authPage } from '../kit/auth-layout.tsx';
import { PasswordField } from '../kit/credential-fields.tsx';
import { documentOf } from '../kit/document.tsx';
import { Form } from '../kit/form.tsx';
import type { Frame } from '../kit/parts.ts';
import { Report, type ReportProps } from '../report/report.tsx';
import { SHARE_TEXT } from './text.ts';

/** Creates the report page of a public link. */
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
  return authPage(frame, {
    title: name,
    children: (
      <>
        <Form frame={frame} action={base} class="stack">
          <PasswordField label={SHARE_TEXT.password} autofocus error={problem} />
          <button type="submit" class="primary">
            {SHARE_TEXT.open}
          </button>
        </Form>
      </>
    ),
  });
}
