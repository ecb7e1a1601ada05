import type { ComponentChildren } from 'preact';
import { SECOND_MS } from '../../domain/clock.ts';
import { authPage } from '../kit/auth-layout.tsx';
import { PasswordField } from '../kit/credential-fields.tsx';
import { documentOf } from '../kit/document.tsx';
import { Form } from '../kit/form.tsx';
import { isolated, timeToTheSecond } from '../kit/format.ts';
import type { Frame } from '../kit/parts.ts';
import { type MapProps, WorldMap } from '../map/view.tsx';
import { appearanceOf } from '../report/appearance.ts';
import { Details, type DetailsProps } from '../report/details.tsx';
import type { Invalid } from '../report/problems.ts';
import { Report, ReportProblems, type ReportProps } from '../report/report.tsx';
import { subjectName } from '../report/subject.ts';
import { REPORT_CACHED_MS } from './cached-reports.ts';
import { SHARE_TEXT } from './text.ts';

interface SharedPage {
  domain: string;
  /** The query of the URL, which may choose the appearance of the page. */
  query: URLSearchParams;
}

/** Creates a page of a public link, in the appearance that its URL chooses. */
function sharedDocument(
  frame: Frame,
  { domain, query, children }: SharedPage & { children: ComponentChildren },
): string {
  const { theme, isBare } = appearanceOf(query);
  return documentOf({
    frame: theme === null ? frame : { ...frame, theme },
    title: domain,
    width: 'wide',
    isBare,
    children: (
      <>
        <h1 class={isBare ? 'visually-hidden' : 'site-name'}>{domain}</h1>
        {children}
      </>
    ),
  });
}

/** Creates the report page of a public link. */
export function sharedReportPage(frame: Frame, report: ReportProps): string {
  const { subject, nowMs, zone, query } = report.data;
  return sharedDocument(frame, {
    domain: subjectName(subject),
    query,
    children: (
      <>
        <Report {...report} />
        <p class="hint">{SHARE_TEXT.asOf(timeToTheSecond(nowMs, zone), REPORT_CACHED_MS / SECOND_MS)}</p>
      </>
    ),
  });
}

/** Creates the page of a public link's world map. */
export function sharedMapPage(frame: Frame, { domain, query, ...map }: MapProps & SharedPage): string {
  return sharedDocument(frame, { domain, query, children: <WorldMap {...map} /> });
}

/** Creates the page of a table of a public link, with all its rows. */
export function sharedDetailsPage(
  frame: Frame,
  { query, ...details }: DetailsProps & Pick<SharedPage, 'query'>,
): string {
  const domain = subjectName(details.data.subject);
  return sharedDocument(frame, { domain, query, children: <Details {...details} /> });
}

/** Creates the page that says what is wrong with the URL of a shared report. */
export function invalidSharedReportPage(
  frame: Frame,
  { domain, query, ...invalid }: Invalid & SharedPage,
): string {
  return sharedDocument(frame, { domain, query, children: <ReportProblems {...invalid} /> });
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
