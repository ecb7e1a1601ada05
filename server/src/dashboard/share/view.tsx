import type { VNode } from 'preact';
import { SECOND_MS } from '../../domain/clock.ts';
import { authPage } from '../kit/auth-layout.tsx';
import { PasswordField } from '../kit/credential-fields.tsx';
import { documentOf } from '../kit/document.tsx';
import { Form } from '../kit/form.tsx';
import { isolated, timeToTheSecond } from '../kit/format.ts';
import type { Frame } from '../kit/parts.ts';
import { type MapProps, WorldMap } from '../map/view.tsx';
import { Details, type DetailsProps } from '../report/details.tsx';
import type { Invalid } from '../report/problems.ts';
import { Report, ReportProblems, type ReportProps } from '../report/report.tsx';
import { REPORT_CACHED_MS } from './cached-reports.ts';
import { SHARE_TEXT } from './text.ts';

/** Creates the report page of a public link. */
export function sharedReportPage(frame: Frame, report: ReportProps): string {
  const { site, nowMs, zone } = report.data;
  const { domain } = site;
  return documentOf({
    frame,
    title: domain,
    width: 'wide',
    children: (
      <>
        <h1 class="site-name">{domain}</h1>
        <Report {...report} />
        <p class="hint">{SHARE_TEXT.asOf(timeToTheSecond(nowMs, zone), REPORT_CACHED_MS / SECOND_MS)}</p>
      </>
    ),
  });
}

/** Creates the page of a public link's world map. */
export function sharedMapPage(frame: Frame, { domain, ...map }: MapProps & { domain: string }): string {
  return sharedPage(frame, domain, <WorldMap {...map} />);
}

/** Creates the page of a table of a public link, with all its rows. */
export function sharedDetailsPage(frame: Frame, details: DetailsProps): string {
  return sharedPage(frame, details.data.site.domain, <Details {...details} />);
}

function sharedPage(frame: Frame, domain: string, children: VNode): string {
  return documentOf({
    frame,
    title: domain,
    width: 'wide',
    children: (
      <>
        <h1 class="site-name">{domain}</h1>
        {children}
      </>
    ),
  });
}

/** Creates the page that says what is wrong with the URL of a shared report. */
export function invalidSharedReportPage(
  frame: Frame,
  { domain, ...invalid }: Invalid & { domain: string },
): string {
  return documentOf({
    frame,
    title: domain,
    children: (
      <>
        <h1 class="site-name">{domain}</h1>
        <ReportProblems {...invalid} />
      </>
    ),
  });
}

export function sharePasswordPage(
  frame: Frame,
  { base, name, problem }: { base: string; name: string; problem?: string },
): string {
  return authPage(frame, {
    title: isolated(name),
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
