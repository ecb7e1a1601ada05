/** The dimensions of reports and filters. API, dashboard and store share this list. */

/** All dimensions. Those with `of: 'visit'` are the same for all events of a visit; those with `of: 'event'` may differ. */
const TABLE = [
  { name: 'page', label: 'Page', of: 'event' },
  { name: 'entry', label: 'Entry page', of: 'visit' },
  { name: 'exit', label: 'Exit page', of: 'visit' },
  { name: 'host', label: 'Host', of: 'event' },
  { name: 'source', label: 'Source', of: 'visit' },
  { name: 'channel', label: 'Channel', of: 'visit' },
  { name: 'campaign', label: 'Campaign', of: 'visit' },
  { name: 'country', label: 'Country', of: 'visit' },
  { name: 'device', label: 'Device', of: 'visit' },
  { name: 'browser', label: 'Browser', of: 'visit' },
  { name: 'os', label: 'Operating system', of: 'visit' },
  { name: 'event', label: 'Event', of: 'event' },
] as const;

type EventDimension = (typeof TABLE)[number]['name'];

/** A dimension that filters can use. `prop:NAME` is the value of an event property. */
export type FilterDimension = EventDimension | `prop:${string}`;

/** A dimension that reports can be grouped by: those of filters, and `bot`, which groups only bot visits. */
export type Dimension = FilterDimension | 'bot';

/** The dimensions of events and visits with their labels, in display order. */
export const DIMENSIONS: readonly { name: EventDimension; label: string; of: 'event' | 'visit' }[] = TABLE;

/** The names of `DIMENSIONS`: all dimensions of filters except properties. */
export const EVENT_DIMENSIONS: readonly EventDimension[] = TABLE.map(({ name }) => name);

const PROP = 'prop:';
/** The longest name of an event property. */
export const PROP_NAME_MAX_CHARS = 64;

/** Returns the property name of a `prop:` dimension; null for other dimensions. */
export function propName(by: string): string | null {
  return by.startsWith(PROP) ? by.slice(PROP.length) : null;
}

/** Returns a word as a dimension of filters; null if it is not one. */
export function filterDimension(word: string): FilterDimension | null {
  const name = propName(word);
  if (name === null) return EVENT_DIMENSIONS.find((known) => known === word) ?? null;
  return name !== '' && name.length <= PROP_NAME_MAX_CHARS ? `${PROP}${name}` : null;
}

/** Returns a word as a dimension of reports; null if it is not one. */
export function dimensionOf(word: string): Dimension | null {
  return word === 'bot' ? word : filterDimension(word);
}

/** Returns the label of a dimension, or the name of the property. */
export function dimensionLabel(by: Dimension): string {
  if (by === 'bot') return 'Crawler';
  return propName(by) ?? DIMENSIONS.find(({ name }) => name === by)?.label ?? by;
}
