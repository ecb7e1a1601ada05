import { type Static, Type } from 'typebox';
import { balance } from '../app/ledger.ts';
import { writeDate } from '../domain/calendar.ts';
import { ApiError } from '../domain/errors.ts';
import { LEDGER_REASONS, meaningOf } from '../domain/outcomes.ts';
import type { LedgerLine } from '../store/contract/store.ts';
import { siteEndpoint } from './endpoint.ts';
import { listName, NextCursor, PageQuery, readCursor, writeCursor } from './paging.ts';
import { Period, PeriodQuery, periodOf, readPeriod } from './period.ts';
import { Count, Instant, Maybe, SiteId } from './schema-parts.ts';

/** The most days in one request. */
const DAYS_MAX = 400;

export const LedgerItem = Type.Object({
  date: Type.String({ format: 'date', description: 'UTC day.', examples: ['2026-05-14'] }),
  outcome: Type.String({
    description:
      'stored, duplicate, bot, or the reason for a refusal. "shortened" lists accepted events with texts replaced by "(other)", which "stored" counts too.',
    examples: ['wrong-domain'],
  }),
  host: Type.String({
    description:
      'Host of the page. "other" groups the rest if there were very many; empty if no host was sent.',
    examples: ['copy.example.net'],
  }),
  field: Maybe(
    'The field of malformed events that was wrong, such as props.items. "other" groups the rest if there were very many.',
    null,
  ),
  count: Count('Number of events.', 17),
  first_at: Instant('Time of the first entry on that day (ISO 8601, UTC).'),
  last_at: Instant('Time of the last entry on that day (ISO 8601, UTC).'),
});
export type LedgerItem = Static<typeof LedgerItem>;

const Refusals = Type.Object({
  reason: Type.String({
    description: `Reason for the refusal, a stable identifier: ${LEDGER_REASONS.join(', ')}. Later versions may add more.`,
    examples: ['wrong-domain'],
  }),
  count: Count('Number of events.', 17),
  meaning: Maybe('Explanation of the reason.', meaningOf('wrong-domain')),
});

export const Ledger = Type.Object({
  site_id: SiteId,
  period: Period,
  time_zone: Type.Literal('UTC', { description: 'The ledger always uses UTC days.' }),
  received: Count('Everything received: accepted + duplicate + refused.', 3_126),
  accepted: Count('Stored and counted.', 3_107),
  duplicate: Count('Repeats of an id that was already stored; not counted again.', 2),
  refused: Type.Array(Refusals, {
    description: 'Refusals by reason, in descending order of count. Crawlers are listed as "bot".',
  }),
  shortened: Count(
    'Accepted events with texts replaced by "(other)", because the site sent more text than the server stores per day.',
    0,
  ),
  ledger: Type.Array(LedgerItem, {
    description: 'Entries by day, outcome, and host or field, newest day first.',
  }),
  next_cursor: NextCursor,
});
export type Ledger = Static<typeof Ledger>;

const LedgerQuery = Type.Object({ ...PeriodQuery, ...PageQuery });
export type LedgerQuery = Static<typeof LedgerQuery>;

export const ledger = siteEndpoint({
  name: 'ledger',
  path: '/v1/sites/{id}/ledger',
  summary: 'Ledger',
  description:
    'What happened to every event received for a site: counted, duplicate, or refused and why, with hosts and times. The sums always balance. Days are UTC.',
  query: LedgerQuery,
  answer: Ledger,
  errors: ['INVALID_DATE_RANGE'],
  rows: 'ledger',
  async run({ store, clock, site }, { limit = 100, cursor, ...period }) {
    const range = readPeriod(period, 'UTC', clock.now());
    if (range.lastDay - range.firstDay >= DAYS_MAX) {
      throw new ApiError('INVALID_DATE_RANGE', {
        detail: `The period must not exceed ${DAYS_MAX} days for the ledger.`,
      });
    }
    const list = listName('ledger', site.id, period);
    const place = readCursor(list, cursor);
    const lines = await store.events.ledger(site.id, range);
    const { refused, ...sums } = balance(lines);
    const ordered = lines.toSorted(byPlace);
    // The cursor holds a place instead of an offset, so that new lines of today do not shift earlier days.
    const rest = place === undefined ? ordered : ordered.filter((line) => placeOf(line) > place);
    const shown = rest.slice(0, limit);
    const last = shown.at(-1);
    return {
      site_id: site.id,
      period: periodOf(range),
      time_zone: 'UTC' as const,
      ...sums,
      refused: Object.entries(refused).map(([reason, count]) => ({
        reason,
        count,
        meaning: meaningOf(reason),
      })),
      ledger: shown.map(toItem),
      next_cursor: writeCursor(list, rest.length > shown.length && last !== undefined ? placeOf(last) : null),
    };
  },
});

const LAST_DAY = 99_999_999;

/** Returns the sort key of a line: newest day first, then by outcome, host and field. */
function placeOf({ day, outcome, host, field }: LedgerLine): string {
  return `${String(LAST_DAY - day).padStart(9, '0')}\n${outcome}\n${host}\n${field}`;
}

function byPlace(a: LedgerLine, b: LedgerLine): number {
  return placeOf(a) < placeOf(b) ? -1 : 1;
}

function toItem({ day, outcome, host, field, count, firstAtMs, lastAtMs }: LedgerLine): LedgerItem {
  return {
    date: writeDate(day),
    outcome,
    host,
    field: field === '' ? null : field,
    count,
    first_at: new Date(firstAtMs).toISOString(),
    last_at: new Date(lastAtMs).toISOString(),
  };
}
