import { type Static, Type } from 'typebox';
import { writeDate } from '../calendar.ts';
import { ApiError } from '../errors.ts';
import { balance } from '../ledger.ts';
import type { LedgerLine } from '../store/store.ts';
import { siteEndpoint } from './endpoint.ts';
import { NextCursor, PageQuery, readCursor, writeCursor } from './paging.ts';
import { Period, PeriodQuery, periodOf, readPeriod } from './period.ts';
import { Count, Instant, Maybe, SiteId } from './schema-parts.ts';

/** Most days in one question. */
const DAYS_MAX = 400;

/** Why something was not counted, for a person. A reason that is not here is shown without a sentence. */
export const REASON_SENTENCES: Readonly<Record<string, string>> = {
  bot: 'A declared crawler: recorded as a bot visit, never counted as an event.',
  malformed: 'It was not well-formed: a field was missing, or of the wrong type or length.',
  'too-large': 'It was larger than an event may be.',
  'media-type': 'It was sent as something else than text/plain or application/json.',
  'unknown-key': 'The page carries a site key that is nobody’s.',
  'retired-key': 'The page carries a key of this site that was retired.',
  'rate-limited': 'The site sent more in a second than it may.',
  'wrong-domain': 'The page is on a host that does not belong to this site.',
  'local-host': 'The page is on a local or private host.',
  'excluded-page': 'The owner of the site leaves this page out.',
  'excluded-country': 'The owner of the site leaves out visitors of this country.',
  busy: 'The server had too much to do; the page was told to try again.',
  unavailable: 'The server could not store anything just then; the page was told to try again.',
};

export const LedgerItem = Type.Object({
  date: Type.String({ format: 'date', description: 'UTC day.', examples: ['2026-05-14'] }),
  outcome: Type.String({
    description: 'stored, duplicate, bot, or the reason of a refusal.',
    examples: ['wrong-domain'],
  }),
  host: Type.String({
    description: 'Host that was seen; "other" where there were very many; empty where none was.',
    examples: ['copy.example.net'],
  }),
  count: Count('How often.', 17),
  first_at: Instant('When first that day: ISO 8601, UTC.'),
  last_at: Instant('When last that day: ISO 8601, UTC.'),
});
export type LedgerItem = Static<typeof LedgerItem>;

const Refusals = Type.Object({
  reason: Type.String({ description: 'Why, in a word that never changes.', examples: ['wrong-domain'] }),
  count: Count('How often.', 17),
  meaning: Maybe('The reason in a sentence.', REASON_SENTENCES['wrong-domain']),
});

export const Ledger = Type.Object({
  site_id: SiteId,
  period: Period,
  time_zone: Type.Literal('UTC', { description: 'The ledger is kept by UTC day.' }),
  received: Count('received = accepted + duplicate + all of refused.', 3_126),
  accepted: Count('Stored and counted.', 3_107),
  duplicate: Count('Sent again with an id that was there before: stored and counted once.', 2),
  refused: Type.Array(Refusals, { description: 'By reason, largest first; crawlers are under "bot".' }),
  ledger: Type.Array(LedgerItem, { description: 'By day, outcome and host, newest day first.' }),
  next_cursor: NextCursor,
});
export type Ledger = Static<typeof Ledger>;

const LedgerQuery = Type.Object({ ...PeriodQuery, ...PageQuery });
export type LedgerQuery = Static<typeof LedgerQuery>;

export const ledger = siteEndpoint({
  name: 'ledger',
  path: '/v1/sites/{id}/ledger',
  summary: 'What was not counted, and why',
  description:
    'What became of everything that was received for a site: counted, duplicate, or refused for a reason, with hosts and times. It always balances. Days are UTC.',
  query: LedgerQuery,
  answer: Ledger,
  errors: ['INVALID_DATE_RANGE'],
  rows: 'ledger',
  async run({ store, clock, site }, { limit = 100, cursor, ...period }) {
    const range = readPeriod(period, 'UTC', clock.now());
    if (range.lastDay - range.firstDay >= DAYS_MAX) {
      throw new ApiError('INVALID_DATE_RANGE', {
        detail: `The ledger shows at most ${DAYS_MAX} days at once.`,
      });
    }
    const list = `ledger ${site.id}`;
    const place = readCursor(list, cursor);
    const lines = await store.events.ledger(site.id, range);
    const { refused, ...sums } = balance(lines);
    const ordered = lines.toSorted(byPlace);
    // Where it stopped, not how far it came: new lines of today change nothing about the days before.
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
        meaning: REASON_SENTENCES[reason] ?? null,
      })),
      ledger: shown.map(toItem),
      next_cursor: writeCursor(list, rest.length > shown.length && last !== undefined ? placeOf(last) : null),
    };
  },
});

const LAST_DAY = 99_999_999;

/** A line's place as a text that sorts as the list does: newest day first, then by outcome and host. */
function placeOf({ day, outcome, host }: LedgerLine): string {
  return `${String(LAST_DAY - day).padStart(9, '0')}\n${outcome}\n${host}`;
}

function byPlace(a: LedgerLine, b: LedgerLine): number {
  return placeOf(a) < placeOf(b) ? -1 : 1;
}

function toItem({ day, outcome, host, count, firstAtMs, lastAtMs }: LedgerLine): LedgerItem {
  return {
    date: writeDate(day),
    outcome,
    host,
    count,
    first_at: new Date(firstAtMs).toISOString(),
    last_at: new Date(lastAtMs).toISOString(),
  };
}
