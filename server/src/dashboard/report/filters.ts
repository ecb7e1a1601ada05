import { entryOf } from '../../entry-of.ts';
import type { Dimension, Filter, Reports, Scope } from '../../store/store.ts';
import { valueName, valueNamed } from './panels.ts';

/** Filters as they stand in an address: `f=is.page./pricing`, `f=not.country.DE`, `f=has.page.blog`, `f=none.source`. */

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
/** What a filter can be about, besides properties. */
export const FILTERABLE: readonly { by: string; name: string }[] = Object.entries(NAMES).map(
  ([by, name]) => ({ by, name }),
);
const FILTERS_MAX = 10;
const VALUE_MAX_CHARS = 2_000;
/** Values looked through for those that hold a text, the most visited first. */
const LOOKED_THROUGH = 1_000;

export function nameOf(by: string): string {
  return entryOf(NAMES, by) ?? (by.startsWith('prop:') ? by.slice(5) : by);
}

function isBy(text: string): text is By {
  return Object.hasOwn(NAMES, text) || /^prop:.{1,64}$/.test(text);
}

/** How a value is compared: the whole of it, or any part. */
export type Match = 'whole' | 'part';

export interface Chip {
  /** As it stands in the address. */
  text: string;
  by: By;
  value: string | null;
  negated: boolean;
  match: Match;
}

const OPERATORS = [
  { id: 'is', name: 'is', negated: false, match: 'whole' },
  { id: 'not', name: 'is not', negated: true, match: 'whole' },
  { id: 'has', name: 'contains', negated: false, match: 'part' },
  { id: 'lacks', name: 'does not contain', negated: true, match: 'part' },
] as const;
/** What the form offers. */
export const OPERATOR_CHOICES: readonly { id: string; name: string }[] = OPERATORS;

function operatorOf({ negated, match }: Pick<Chip, 'negated' | 'match'>): (typeof OPERATORS)[number] {
  return OPERATORS.find((known) => known.negated === negated && known.match === match) ?? OPERATORS[0];
}

export function operatorName(chip: Pick<Chip, 'negated' | 'match'>): string {
  return operatorOf(chip).name;
}

export function chipText(
  by: string,
  value: string | null,
  { negated = false, match = 'whole' }: Partial<Pick<Chip, 'negated' | 'match'>> = {},
): string {
  const name = by.replaceAll('%', '%25').replaceAll('.', '%2E');
  if (value === null) return `${negated ? 'some' : 'none'}.${name}`;
  return `${operatorOf({ negated, match }).id}.${name}.${value}`;
}

/** What cannot be read is left out. */
export function readChips(query: URLSearchParams): Chip[] {
  const chips: Chip[] = [];
  for (const text of new Set(query.getAll('f').slice(0, FILTERS_MAX))) {
    const match = /^(is|not|has|lacks|none|some)\.([^.]+)(?:\.([\s\S]*))?$/.exec(text);
    const [, how = '', name = '', value] = match ?? [];
    const by = name.replaceAll('%2E', '.').replaceAll('%25', '%');
    if (!isBy(by) || text.length > VALUE_MAX_CHARS) continue;
    if ((how === 'none' || how === 'some') !== (value === undefined)) continue;
    const operator = OPERATORS.find(({ id }) => id === how);
    chips.push({
      text,
      by,
      value: value ?? null,
      negated: operator?.negated ?? how === 'some',
      match: operator?.match ?? 'whole',
    });
  }
  return chips;
}

/** Chips that are alternatives to each other: those of the same kind, compared the same way. */
export function groupsOf(chips: readonly Chip[]): [Chip, ...Chip[]][] {
  return [...Map.groupBy(chips, ({ by, negated, match }) => `${match} ${negated} ${by}`).values()].flatMap(
    ([first, ...rest]) => (first === undefined ? [] : [[first, ...rest] as [Chip, ...Chip[]]]),
  );
}

/**
 * Values of the same kind are alternatives; different kinds must all hold. The store knows whole values only, so a part is
 * looked up among the values that the span has: the thousand with most visitors.
 */
export async function filtersOf(
  chips: readonly Chip[],
  reports: Pick<Reports, 'breakdown'>,
  span: Omit<Scope, 'filters'>,
): Promise<Filter[]> {
  const filters = await Promise.all(
    groupsOf(chips).map(async (group): Promise<Filter | null> => {
      const [{ by, negated, match }] = group;
      if (match === 'whole') return { by, negated, values: group.map(({ value }) => value) };
      const values = await valuesWith(
        group.flatMap(({ value }) => value ?? []),
        by,
        reports,
        span,
      );
      // Nothing holds the text: without it, then, is everything.
      return negated && values.length === 0 ? null : { by, negated, values };
    }),
  );
  return filters.filter((filter) => filter !== null);
}

async function valuesWith(
  parts: readonly string[],
  by: Dimension,
  reports: Pick<Reports, 'breakdown'>,
  span: Omit<Scope, 'filters'>,
): Promise<string[]> {
  const wanted = parts.map((part) => part.toLowerCase());
  const { rows } = await reports.breakdown({ ...span, filters: [] }, by, { limit: LOOKED_THROUGH });
  return rows.flatMap(({ value }) => {
    if (value === null) return [];
    const texts = [value.toLowerCase(), valueName(by, value).toLowerCase()];
    return wanted.some((part) => texts.some((text) => text.includes(part))) ? [value] : [];
  });
}

/**
 * The address without the fields of the filter form, their filter added: one per line of the text. Null where the form was
 * not sent.
 */
export function withTypedFilter(query: URLSearchParams): URLSearchParams | null {
  const by = query.get('add');
  if (by === null) return null;
  const next = new URLSearchParams(query);
  for (const name of ['add', 'how', 'text']) next.delete(name);
  const operator = OPERATORS.find(({ id }) => id === query.get('how')) ?? OPERATORS[0];
  for (const line of (query.get('text') ?? '').split('\n')) {
    const typed = line.trim();
    if (typed === '' || !isBy(by) || next.getAll('f').length >= FILTERS_MAX) continue;
    const value = operator.match === 'whole' ? valueNamed(by, typed) : typed;
    const chip = chipText(by, value, operator);
    if (!next.has('f', chip)) next.append('f', chip);
  }
  return next;
}
