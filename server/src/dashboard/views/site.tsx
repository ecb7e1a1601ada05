import type { VNode } from 'preact';
import type { SiteVisit } from '../parts.ts';
import type { Tracker } from '../snippets.ts';
import { Install } from './install.tsx';
import { type CheckData, LiveCheck } from './live-check.tsx';
import { Card, Notice } from './parts.tsx';
import { Report, type ReportProps } from './report/report.tsx';
import { siteDocument } from './site-frame.tsx';

export interface InstallData {
  baseUrl: string;
  tracker: Tracker;
  check: CheckData;
  /** A host that was just allowed. */
  allowed: string | null;
}

/** The numbers. */
export function reportPage(visit: SiteVisit, report: ReportProps): string {
  return siteDocument(visit, { title: 'Report', here: 'report', children: <Report {...report} /> });
}

function Allowed({ host }: { host: string | null }): VNode | null {
  return host === null || host === '' ? null : (
    <Notice kind="done">Pages on {host} count from now on. Open one again to see it.</Notice>
  );
}

/** A site that has no events yet: the tag, and a check that listens. */
export function emptySitePage(visit: SiteVisit, data: InstallData): string {
  const { site, frame } = visit;
  return siteDocument(visit, {
    title: 'Report',
    here: 'report',
    children: (
      <>
        <Allowed host={data.allowed} />
        <p class="lead">Nothing counted yet. Paste this one line into your pages, then open one of them.</p>
        <div class="two">
          <Card title="The tag" id="tag">
            <Install baseUrl={data.baseUrl} siteKey={site.key} tracker={data.tracker} />
          </Card>
          <LiveCheck frame={frame} check={data.check} />
        </div>
      </>
    ),
  });
}

/** The tag again, and a new check, for a site that counts already. */
export function installPage(visit: SiteVisit, data: InstallData): string {
  return siteDocument(visit, {
    title: 'Install',
    here: 'install',
    children: (
      <>
        <Allowed host={data.allowed} />
        <div class="two">
          <Card title="The tag" id="tag">
            <Install baseUrl={data.baseUrl} siteKey={visit.site.key} tracker={data.tracker} />
          </Card>
          <LiveCheck frame={visit.frame} check={data.check} />
        </div>
      </>
    ),
  });
}
