import { CHANNELS } from '../../../domain/channels.ts';
import type { Filter } from '../../contract/store.ts';
import type { Profile } from '../tables/profile.ts';
import type { Texts } from './texts.ts';
import type { VisitDay } from './visit-days.ts';

/** What a visit is split and filtered by; the rest of the dimensions are those of single events. */
const OF_VISITS = [
  'entry',
  'exit',
  'source',
  'channel',
  'campaign',
  'country',
  'device',
  'browser',
  'os',
] as const;
export type VisitDimension = (typeof OF_VISITS)[number];

const PROFILE = ['source', 'campaign', 'country', 'device', 'browser', 'os'] as const;
type ProfileDimension = (typeof PROFILE)[number];

export function isOfVisits(by: string): by is VisitDimension {
  return (OF_VISITS as readonly string[]).includes(by);
}

function isOfProfile(by: VisitDimension): by is ProfileDimension {
  return (PROFILE as readonly string[]).includes(by);
}

/** A condition on rows of `events`, as SQL and what to bind to it. */
export interface RowCondition {
  sql: string;
  bind: string;
}

/** Filters made ready: what a visit must be, and what an event must be, row by row. */
export interface Conditions {
  /** Whether there is any filter at all. */
  any: boolean;
  ofVisits: ((visits: VisitDay, no: number) => boolean)[];
  ofRows: RowCondition[];
  ofProps: { name: string; values: ReadonlySet<string | null>; negated: boolean }[];
}

const COLUMNS = { page: 'path', host: 'host', event: 'name' } as const;

export function conditionsOf(filters: readonly Filter[], texts: Texts): Conditions {
  const conditions: Conditions = { any: filters.length > 0, ofVisits: [], ofRows: [], ofProps: [] };
  for (const { by, values, negated } of filters) {
    const wanted = new Set(values);
    if (isOfVisits(by)) {
      const matches = visitMatcher(by, wanted, texts);
      conditions.ofVisits.push((visits, no) => matches(visits, no) !== negated);
    } else if (by === 'page' || by === 'host' || by === 'event') {
      conditions.ofRows.push({
        sql: `${COLUMNS[by]} ${negated ? 'NOT IN' : 'IN'} (SELECT value FROM json_each(?))`,
        bind: JSON.stringify(idsOf(wanted, texts)),
      });
    } else {
      conditions.ofProps.push({ name: by.slice('prop:'.length), values: wanted, negated });
    }
  }
  return conditions;
}

/** Numbers of the texts that are stored at all; what is not stored matches nothing. */
function idsOf(values: ReadonlySet<string | null>, texts: Texts): number[] {
  return [...values].flatMap((value) => (value === null ? [] : (texts.find(value) ?? [])));
}

function visitMatcher(
  by: VisitDimension,
  wanted: ReadonlySet<string | null>,
  texts: Texts,
): (visits: VisitDay, no: number) => boolean {
  if (isOfProfile(by)) {
    const known = new Map<number, boolean>();
    return ({ profile }, no) => {
      const id = profile[no] ?? 0;
      let matches = known.get(id);
      if (matches === undefined) {
        matches = wanted.has(texts.profile(id)[by]);
        known.set(id, matches);
      }
      return matches;
    };
  }
  if (by === 'channel') return ({ channel }, no) => wanted.has(CHANNELS[channel[no] ?? 0] ?? null);
  const ids = new Set(idsOf(wanted, texts));
  return (visits, no) => ids.has(visits[by][no] ?? 0);
}

/** The value by which a visit is split: a text, the number of one, or null. */
export function visitKey(
  by: VisitDimension,
  texts: Texts,
): (visits: VisitDay, no: number) => number | string | null {
  if (by === 'channel') return ({ channel }, no) => CHANNELS[channel[no] ?? 0] ?? null;
  if (isOfProfile(by)) {
    const field: keyof Profile = by;
    return ({ profile }, no) => texts.profile(profile[no] ?? 0)[field];
  }
  return (visits, no) => visits[by][no] ?? 0;
}

/** A property of an event by name, in the words a report shows; null if the event has none. */
export function propValue(props: string | null, name: string): string | null {
  if (props === null) return null;
  const parsed = JSON.parse(props) as Record<string, unknown>;
  return Object.hasOwn(parsed, name) ? String(parsed[name]) : null;
}
