import type { VNode } from 'preact';
import { type CheckData, LiveCheck } from '../install/live-check.tsx';
import { Install } from '../install/view.tsx';
import { Card, Notice } from '../kit/elements.tsx';
import type { SiteRequest, Tracker } from '../kit/parts.ts';
import { siteDocument } from '../kit/site-frame.tsx';
import { Report, type ReportProps } from './report.tsx';
import { REPORT_TEXT } from './text.ts';

export interface InstallData {
  baseUrl: string;
  tracker: Tracker;
  check: CheckData;
  /** The host that was just allowed; null if there is none. */
  allowed: string | null;
}

/** Creates the report page of a site. */
export function reportPage(request: SiteRequest, report: ReportProps): string {
  return siteDocument(request, {
    title: REPORT_TEXT.title,
    here: 'report',
    children: <Report {...report} />,
  });
}

function Allowed({ host }: { host: string | null }): VNode | null {
  return host === null || host === '' ? null : <Notice kind="done">{REPORT_TEXT.allowed(host)}</Notice>;
}

/** Creates the page of a site without events: the snippet and the live check. */
export function emptySitePage(request: SiteRequest, data: InstallData): string {
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
            <Install baseUrl={data.baseUrl} siteKey={site.key} tracker={data.tracker} />
          </Card>
          <LiveCheck frame={frame} check={data.check} />
        </div>
      </>
    ),
  });
}

/** Creates the install page of a site that already has events. */
export function installPage(request: SiteRequest, data: InstallData): string {
  return siteDocument(request, {
    title: REPORT_TEXT.install,
    here: 'install',
    children: (
      <>
        <Allowed host={data.allowed} />
        <div class="two">
          <Card title={REPORT_TEXT.snippet} id="tag">
            <Install baseUrl={data.baseUrl} siteKey={request.site.key} tracker={data.tracker} />
          </Card>
          <LiveCheck frame={request.frame} check={data.check} />
        </div>
      </>
    ),
  });
}
