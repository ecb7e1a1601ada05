import { csvRow } from '../../http/csv.ts';
import type { Events, StoredEvent } from '../../store/contract/store.ts';

/** Exports all stored events of a site, page by page, so that memory use stays small. */

const PAGE = 1_000;
const COLUMNS = [
  'received_at',
  'name',
  'host',
  'path',
  'source',
  'channel',
  'campaign',
  'utm_source',
  'utm_medium',
  'utm_campaign',
  'utm_content',
  'utm_term',
  'referrer',
  'country',
  'region',
  'city',
  'device',
  'browser',
  'browser_version',
  'os',
  'os_version',
  'language',
  'screen',
  'navigation',
  'interactive',
  'visitor',
  'value',
  'currency',
  'props',
] as const;

type Line = Record<(typeof COLUMNS)[number], string | number | boolean | null | object>;

/** Exports the events, newest first. */
export async function* exported(
  events: Pick<Events, 'page'>,
  siteId: string,
  format: 'csv' | 'ndjson',
): AsyncGenerator<string> {
  if (format === 'csv') yield csvRow(COLUMNS);
  for (let cursor: string | null | undefined; cursor !== null; ) {
    const page = await events.page(siteId, { limit: PAGE, ...(cursor === undefined ? {} : { cursor }) });
    const lines = page.events.map(lineOf);
    if (lines.length > 0)
      yield lines
        .map(
          format === 'csv'
            ? (line) => csvRow(COLUMNS.map((column) => line[column]))
            : (line) => `${JSON.stringify(line)}\n`,
        )
        .join('');
    cursor = page.nextCursor;
  }
}

function lineOf(event: StoredEvent): Line {
  return {
    received_at: new Date(event.receivedAtMs).toISOString(),
    name: event.name,
    host: event.host,
    path: event.path,
    source: event.source,
    channel: event.channel,
    campaign: event.campaign,
    utm_source: event.utmSource,
    utm_medium: event.utmMedium,
    utm_campaign: event.campaign,
    utm_content: event.utmContent,
    utm_term: event.utmTerm,
    referrer: event.referrer,
    country: event.country,
    region: event.region,
    city: event.city,
    device: event.device,
    browser: event.browser,
    browser_version: event.browserVersion,
    os: event.os,
    os_version: event.osVersion,
    language: event.language,
    screen: event.screen,
    navigation: event.nav,
    interactive: event.interactive,
    visitor: BigInt.asUintN(64, event.visitor).toString(16).padStart(16, '0'),
    value: event.value,
    currency: event.currency,
    props: event.props,
  };
}
