import type { Filter, Reports, Scope, StoredEvent } from '../../store/contract/store.ts';

/** Revenue: the sum of conversion values by currency, and the properties of conversions. */

const ROWS_PER_PAGE = 1_000;
/** The maximum number of conversions that are examined, newest first. */
const ROWS_MAX = 5_000;

/** The revenue by ISO 4217 currency code. The empty string stands for values without a currency. */
export type Sums = ReadonlyMap<string, number>;

export interface Revenue {
  all: Sums;
  byEvent: ReadonlyMap<string, Sums>;
  /** The names of properties, most frequent first. */
  properties: readonly string[];
  /** Whether all conversions of the span were examined. */
  complete: boolean;
}

/** Sums the revenue of individual conversions, because rollups contain no values. The filters must pass `canSumRevenue`. */
export async function revenueOf(reports: Pick<Reports, 'listActivity'>, scope: Scope): Promise<Revenue> {
  const { filters, ...span } = scope;
  const all = new Map<string, number>();
  const byEvent = new Map<string, Map<string, number>>();
  const names = new Map<string, number>();
  let rows = 0;
  let cursor: string | null | undefined;
  while (cursor !== null && rows < ROWS_MAX) {
    const page = await reports.listActivity(span, {
      type: 'conversion',
      limit: ROWS_PER_PAGE,
      ...(cursor === undefined ? {} : { cursor }),
    });
    for (const item of page.items) {
      if (item.type !== 'event' || !filters.every((filter) => holds(filter, item.event))) continue;
      const { name, value, currency, props } = item.event;
      for (const property of Object.keys(props ?? {})) add(names, property, 1);
      if (value === null) continue;
      add(all, currency ?? '', value);
      const ofEvent = byEvent.get(name) ?? new Map<string, number>();
      byEvent.set(name, add(ofEvent, currency ?? '', value));
    }
    rows += page.items.length;
    cursor = page.nextCursor;
  }
  const properties = [...names].sort((a, b) => b[1] - a[1]).map(([name]) => name);
  return { all, byEvent, properties, complete: cursor === null };
}

/** Whether filters can be applied to individual events, which do not contain the first and last page of their visit. */
export function canSumRevenue(filters: readonly Filter[]): boolean {
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
