import type { VNode } from 'preact';
import { shownDomain } from '../../domain/hosts.ts';
import type { Choice } from '../install/choice.ts';
import { type CheckData, LiveCheck } from '../install/live-check.tsx';
import type { MissingKey } from '../install/missing-key.ts';
import { Install } from '../install/view.tsx';
import { Card, Notice } from '../kit/elements.tsx';
import type { SitePageRequest, Tracker } from '../kit/parts.ts';
import { type SiteTab, siteDocument } from '../kit/site-frame.tsx';
import { appearanceOf } from './appearance.ts';
import { Details, type DetailsProps } from './details.tsx';
import { titleOf } from './details-tabs.ts';
import type { Invalid } from './problems.ts';
import { Report, ReportProblems, type ReportProps } from './report.tsx';
import { REPORT_TEXT } from './text.ts';

export interface InstallData {
  baseUrl: string;
  tracker: Tracker;
  choice: Choice;
  check: CheckData;
  missingKey: MissingKey;
  /** The host that was just allowed; null if there is none. */
  allowed: string | null;
}

/** Creates the report page of a site. */
export function reportPage(request: SitePageRequest, report: ReportProps): string {
  const { theme, isBare } = appearanceOf(report.data.query);
  const { frame } = request;
  return siteDocument(
    { ...request, frame: theme === null ? frame : { ...frame, theme } },
    { title: REPORT_TEXT.title, here: 'report', isBare, children: <Report {...report} /> },
  );
}

/** Creates the page of a table with all its rows. */
export function detailsPage(request: SitePageRequest, details: DetailsProps): string {
  return siteDocument(request, {
    title: REPORT_TEXT.detailsTitle(titleOf(details.data.of)),
    here: 'report',
    children: <Details {...details} />,
  });
}

/** Creates the page that says what is wrong with the URL of a report, or of a page that is asked as one. */
export function invalidReportPage(
  request: SitePageRequest,
  invalid: Invalid,
  here: SiteTab = 'report',
): string {
  return siteDocument(request, {
    title: REPORT_TEXT.problemTitle,
    here,
    children: <ReportProblems {...invalid} />,
  });
}

function Allowed({ host }: { host: string | null }): VNode | null {
  return host === null || host === '' ? null : (
    <Notice kind="done">{REPORT_TEXT.allowed(shownDomain(host))}</Notice>
  );
}

/** Creates the page of a site without events: the snippet and the live check. */
export function emptySitePage(request: SitePageRequest, data: InstallData): string {
  const { site, frame } = request;
  return siteDocument(request, {
    title: REPORT_TEXT.title,
    here: 'report',
    children: (
      <>
        <Allowed host={data.allowed} />
        <p class="lead">{REPORT_TEXT.noEvents}</p>
        <div class="two">
          <Card title={REPORT_TEXT.snippet} id="tag">
            <Install {...data} siteId={site.id} siteKey={site.key} domain={site.domain} />
          </Card>
          <LiveCheck frame={frame} check={data.check} />
        </div>
      </>
    ),
  });
}

/** Creates the install page of a site that already has events. */
export function installPage(request: SitePageRequest, data: InstallData): string {
  const { site, frame } = request;
  return siteDocument(request, {
    title: REPORT_TEXT.install,
    here: 'install',
    children: (
      <>
        <Allowed host={data.allowed} />
        <div class="two">
          <Card title={REPORT_TEXT.snippet} id="tag">
            <Install {...data} siteId={site.id} siteKey={site.key} domain={site.domain} />
          </Card>
          <LiveCheck frame={frame} check={data.check} />
        </div>
      </>
    ),
  });
}
