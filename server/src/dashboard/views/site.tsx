import type { SiteVisit } from '../parts.ts';
import type { Tracker } from '../snippets.ts';
import { Install } from './install.tsx';
import { type CheckData, LiveCheck } from './live-check.tsx';
import { Card, plural } from './parts.tsx';
import { siteDocument } from './site-frame.tsx';

export interface InstallData {
  baseUrl: string;
  tracker: Tracker;
  check: CheckData;
}

/** A site that has no events yet: the tag, and a check that listens. */
export function emptySitePage(visit: SiteVisit, data: InstallData & { counted: number }): string {
  const { site, frame } = visit;
  return siteDocument(visit, {
    title: 'Report',
    here: 'report',
    children: (
      <>
        <p class="lead">
          {data.counted === 0
            ? 'Nothing counted yet. Paste this one line into your pages, then open one of them.'
            : `${plural(data.counted, 'event')} counted.`}
        </p>
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
      <div class="two">
        <Card title="The tag" id="tag">
          <Install baseUrl={data.baseUrl} siteKey={visit.site.key} tracker={data.tracker} />
        </Card>
        <LiveCheck frame={visit.frame} check={data.check} />
      </div>
    ),
  });
}
