import type { BotEntry, Entry, EventEntry, LeaveEntry } from '../../contract/store.ts';
import type { Batch } from './commit.ts';

/**
 * A batch in the form in which it is sent to the writer's thread: one string and one array of hashes. Cloning an object per
 * entry, including the names of its fields, takes three times as long.
 */
export interface PackedBatch {
  /** JSON of the rest of the batch, and for each entry an array of its values. */
  text: string;
  /** Two hashes per entry: its visitor and its view. A missing one is 0. */
  hashes: BigInt64Array;
}

/** An entry's fields other than its hashes, in a fixed order. */
type EventRow = [
  kind: 'event',
  hasView: boolean,
  ...of: ValuesOf<
    EventEntry,
    [
      ...['siteId', 'siteKey', 'receivedAtMs', 'host', 'path', 'id', 'name', 'referrer', 'nav', 'props'],
      ...['value', 'currency', 'width', 'timeZone', 'device', 'browser', 'os', 'country', 'source'],
      ...['channel', 'campaign', 'utmSource', 'utmMedium', 'utmContent', 'utmTerm', 'region', 'city'],
      ...['browserVersion', 'osVersion', 'language', 'screen', 'interactive', 'isShortened'],
    ]
  >,
];
type LeaveRow = [
  kind: 'leave',
  hasView: boolean,
  ...of: ValuesOf<
    LeaveEntry,
    ['siteId', 'siteKey', 'receivedAtMs', 'host', 'path', 'id', 'engagedMs', 'scroll', 'vitals']
  >,
];
type BotRow = [kind: 'bot', bot: BotEntry];
type Row = EventRow | LeaveRow | BotRow;

type ValuesOf<T, Names extends readonly (keyof T)[]> = { [I in keyof Names]: T[Names[I]] };

type Rest = Omit<Batch, 'entries'>;

export function pack({ entries, ...rest }: Batch): PackedBatch {
  const hashes = new BigInt64Array(entries.length * 2);
  for (const [i, entry] of entries.entries()) {
    if (entry.kind === 'bot') continue;
    hashes[i * 2] = entry.visitor;
    hashes[i * 2 + 1] = entry.view ?? 0n;
  }
  return { text: JSON.stringify([rest, entries.map(toRow)] satisfies [Rest, Row[]]), hashes };
}

export function unpack({ text, hashes }: PackedBatch): Batch {
  const [rest, rows] = JSON.parse(text) as [Rest, Row[]]; // as `pack` writes it
  return {
    ...rest,
    entries: rows.map((row, i) => toEntry(row, hashes[i * 2] ?? 0n, hashes[i * 2 + 1] ?? 0n)),
  };
}

function toRow(entry: Entry): Row {
  if (entry.kind === 'bot') return ['bot', entry];
  const { siteId, siteKey, receivedAtMs, host, path, id } = entry;
  const hasView = entry.view !== null;
  if (entry.kind === 'leave') {
    const { engagedMs, scroll, vitals } = entry;
    return ['leave', hasView, siteId, siteKey, receivedAtMs, host, path, id, engagedMs, scroll, vitals];
  }
  const { name, referrer, nav, props, value, currency, width, timeZone } = entry;
  const { device, browser, os, country, source, channel, campaign } = entry;
  const { utmSource, utmMedium, utmContent, utmTerm, region, city } = entry;
  const { browserVersion, osVersion, language, screen, interactive, isShortened = false } = entry;
  // biome-ignore format: in the order of the type above
  return [
    'event', hasView,
    siteId, siteKey, receivedAtMs, host, path, id, name, referrer, nav, props,
    value, currency, width, timeZone, device, browser, os, country, source,
    channel, campaign, utmSource, utmMedium, utmContent, utmTerm, region, city,
    browserVersion, osVersion, language, screen, interactive, isShortened,
  ];
}

function toEntry(row: Row, visitor: bigint, viewHash: bigint): Entry {
  switch (row[0]) {
    case 'bot':
      return row[1];
    case 'leave': {
      const [kind, hasView, siteId, siteKey, receivedAtMs, host, path, id, engagedMs, scroll, vitals] = row;
      const view = hasView ? viewHash : null;
      return {
        kind,
        siteId,
        siteKey,
        receivedAtMs,
        host,
        path,
        id,
        visitor,
        view,
        engagedMs,
        scroll,
        vitals,
      };
    }
    case 'event': {
      // biome-ignore format: in the order of the type above
      const [
        kind, hasView,
        siteId, siteKey, receivedAtMs, host, path, id, name, referrer, nav, props,
        value, currency, width, timeZone, device, browser, os, country, source,
        channel, campaign, utmSource, utmMedium, utmContent, utmTerm, region, city,
        browserVersion, osVersion, language, screen, interactive, isShortened = false,
      ] = row;
      const view = hasView ? viewHash : null;
      // biome-ignore format: as above
      return {
        kind, visitor, view,
        siteId, siteKey, receivedAtMs, host, path, id, name, referrer, nav, props,
        value, currency, width, timeZone, device, browser, os, country, source,
        channel, campaign, utmSource, utmMedium, utmContent, utmTerm, region, city,
        browserVersion, osVersion, language, screen, interactive, isShortened,
      };
    }
  }
}
