import type { Filter } from '../../store/store.ts';

/** Filters as they stand in an address: `f=is.page./pricing`, `f=not.country.DE`, `f=none.source`. */

type By = Filter['by'];

const NAMES: Readonly<Record<string, string>> = {
  page: 'Page',
  entry: 'Entry page',
  exit: 'Exit page',
  host: 'Host',
  source: 'Source',
  channel: 'Channel',
  campaign: 'Campaign',
  country: 'Country',
  device: 'Device',
  browser: 'Browser',
  os: 'System',
  event: 'Event',
};
const FILTERS_MAX = 10;
const VALUE_MAX_CHARS = 2_000;

export function nameOf(by: string): string {
  return Object.hasOwn(NAMES, by) ? (NAMES[by] ?? by) : by.startsWith('prop:') ? by.slice(5) : by;
}

function isBy(text: string): text is By {
  return Object.hasOwn(NAMES, text) || /^prop:.{1,64}$/.test(text);
}

export interface Chip {
  /** As it stands in the address. */
  text: string;
  by: By;
  value: string | null;
  negated: boolean;
}

export function chipText(by: string, value: string | null, negated = false): string {
  if (value === null) return `${negated ? 'some' : 'none'}.${by}`;
  return `${negated ? 'not' : 'is'}.${by}.${value}`;
}

/** What cannot be read is left out. */
export function readChips(query: URLSearchParams): Chip[] {
  const chips: Chip[] = [];
  for (const text of new Set(query.getAll('f').slice(0, FILTERS_MAX))) {
    const match = /^(is|not|none|some)\.([^.]+)(?:\.([\s\S]*))?$/.exec(text);
    const [, how = '', by = '', value] = match ?? [];
    if (!isBy(by) || text.length > VALUE_MAX_CHARS) continue;
    const isNull = how === 'none' || how === 'some';
    if (isNull !== (value === undefined)) continue;
    chips.push({ text, by, value: value ?? null, negated: how === 'not' || how === 'some' });
  }
  return chips;
}

/** Values of the same kind are alternatives; different kinds must all hold. */
export function filtersOf(chips: readonly Chip[]): Filter[] {
  const groups = Map.groupBy(chips, ({ by, negated }) => `${negated} ${by}`);
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    return [{ by: first.by, negated: first.negated, values: group.map(({ value }) => value) }];
  });
}
