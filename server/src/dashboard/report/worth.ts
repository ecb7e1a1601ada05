import type { Filter, Reports, Scope, StoredEvent } from '../../store/store.ts';

/** What conversions are worth: the sum of their values by currency, and the properties they carry. */

const ROWS_PER_PAGE = 1_000;
/** Conversions looked through, the newest first. */
const ROWS_MAX = 5_000;

/** By ISO 4217 code; the empty text for values without a currency. */
export type Sums = ReadonlyMap<string, number>;

export interface Worth {
  all: Sums;
  byEvent: ReadonlyMap<string, Sums>;
  /** Names of properties, the most frequent first. */
  properties: readonly string[];
  /** Whether every conversion of the span was looked at. */
  complete: boolean;
}

/** Looks through single conversions, since values are in no roll-up. The filters must be such that `canWeigh` them. */
export async function worthOf(reports: Pick<Reports, 'happenings'>, scope: Scope): Promise<Worth> {
  const { filters, ...span } = scope;
  const all = new Map<string, number>();
  const byEvent = new Map<string, Map<string, number>>();
  const names = new Map<string, number>();
  let rows = 0;
  let cursor: string | null | undefined;
  while (cursor !== null && rows < ROWS_MAX) {
    const page = await reports.happenings(span, {
      type: 'conversion',
      limit: ROWS_PER_PAGE,
      ...(cursor === undefined ? {} : { cursor }),
    });
    for (const happening of page.happenings) {
      if (happening.type !== 'event' || !filters.every((filter) => holds(filter, happening.event))) continue;
      const { name, value, currency, props } = happening.event;
      for (const property of Object.keys(props ?? {})) add(names, property, 1);
      if (value === null) continue;
      add(all, currency ?? '', value);
      const ofEvent = byEvent.get(name) ?? new Map<string, number>();
      byEvent.set(name, add(ofEvent, currency ?? '', value));
    }
    rows += page.happenings.length;
    cursor = page.nextCursor;
  }
  const properties = [...names].sort((a, b) => b[1] - a[1]).map(([name]) => name);
  return { all, byEvent, properties, complete: cursor === null };
}

/** Whether single events know what the filters ask about: not the first and last page of their visit. */
export function canWeigh(filters: readonly Filter[]): boolean {
  return filters.every(({ by }) => by !== 'entry' && by !== 'exit');
}

function add(sums: Map<string, number>, key: string, value: number): Map<string, number> {
  return sums.set(key, (sums.get(key) ?? 0) + value);
}

function holds({ by, values, negated }: Filter, event: StoredEvent): boolean {
  return values.includes(fieldOf(by, event)) !== negated;
}

function fieldOf(by: Filter['by'], event: StoredEvent): string | null {
  switch (by) {
    case 'page':
      return event.path;
    case 'event':
      return event.name;
    case 'host':
    case 'source':
    case 'channel':
    case 'campaign':
    case 'country':
    case 'device':
    case 'browser':
    case 'os':
      return event[by];
    case 'entry':
    case 'exit':
      return null;
    default: {
      const value = event.props?.[by.slice('prop:'.length)];
      return value === undefined ? null : String(value);
    }
  }
}

/** `€9,193.00`, and for each further currency another. */
export function sumsText(sums: Sums): string {
  return [...sums].map(([currency, sum]) => moneyText(sum, currency)).join(', ');
}

function moneyText(sum: number, currency: string): string {
  if (/^[A-Z]{3}$/.test(currency))
    return new Intl.NumberFormat('en', {
      style: 'currency',
      currency,
      currencyDisplay: 'narrowSymbol',
    }).format(sum);
  return `${new Intl.NumberFormat('en', { maximumFractionDigits: 2 }).format(sum)}${currency === '' ? '' : ` ${currency}`}`;
}
