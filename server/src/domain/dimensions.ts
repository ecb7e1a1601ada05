/** The dimensions of reports and filters. API, dashboard and store share this list. */

/** All dimensions. Those with `of: 'visit'` are the same for all events of a visit; those with `of: 'event'` may differ. */
const TABLE = [
  { name: 'page', label: 'Page', of: 'event' },
  { name: 'entry', label: 'Entry page', of: 'visit' },
  { name: 'exit', label: 'Exit page', of: 'visit' },
  { name: 'host', label: 'Host', of: 'event' },
  { name: 'source', label: 'Source', of: 'visit' },
  { name: 'channel', label: 'Channel', of: 'visit' },
  { name: 'referrer', label: 'Referrer', of: 'visit' },
  { name: 'utm_source', label: 'UTM source', of: 'visit' },
  { name: 'utm_medium', label: 'UTM medium', of: 'visit' },
  { name: 'utm_campaign', label: 'Campaign', of: 'visit' },
  { name: 'utm_content', label: 'UTM content', of: 'visit' },
  { name: 'utm_term', label: 'UTM term', of: 'visit' },
  { name: 'country', label: 'Country', of: 'visit' },
  { name: 'region', label: 'Region', of: 'visit' },
  { name: 'city', label: 'City', of: 'visit' },
  { name: 'device', label: 'Device', of: 'visit' },
  { name: 'screen', label: 'Screen size', of: 'visit' },
  { name: 'browser', label: 'Browser', of: 'visit' },
  { name: 'browser_version', label: 'Browser version', of: 'visit' },
  { name: 'os', label: 'Operating system', of: 'visit' },
  { name: 'os_version', label: 'Operating system version', of: 'visit' },
  { name: 'language', label: 'Language', of: 'visit' },
  { name: 'event', label: 'Event', of: 'event' },
] as const;

type ListedDimension = (typeof TABLE)[number]['name'];
type EventDimension = ListedDimension | 'campaign';

/** A dimension of views that ended: the page, or one of visits. */
export type ViewDimension = 'page' | Extract<(typeof TABLE)[number], { of: 'visit' }>['name'] | 'campaign';

/** A dimension that filters can use. `prop:NAME` is the value of an event property. */
export type FilterDimension = EventDimension | `prop:${string}`;

/** A dimension that reports can be grouped by: those of filters, and `bot`, which groups only bot visits. */
export type Dimension = FilterDimension | 'bot';

/** The dimensions of events and visits with their labels, in display order. */
export const DIMENSIONS: readonly { name: ListedDimension; label: string; of: 'event' | 'visit' }[] = TABLE;

/** All dimensions of filters except properties: the names of `DIMENSIONS`, and `campaign`, the old name of `utm_campaign`. */
export const EVENT_DIMENSIONS: readonly EventDimension[] = [...TABLE.map(({ name }) => name), 'campaign'];

/** Returns the listed dimension that a name means; null for `bot` and for a property. */
export function listedDimension(by: Dimension): (typeof DIMENSIONS)[number] | null {
  const name = by === 'campaign' ? 'utm_campaign' : by;
  return DIMENSIONS.find((each) => each.name === name) ?? null;
}

/** The dimensions of views that ended. */
export const VIEW_DIMENSIONS: readonly ViewDimension[] = [
  ...TABLE.flatMap((each) => (each.of === 'visit' || each.name === 'page' ? [each.name] : [])),
  'campaign',
];

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

/** Returns a word as a dimension of views that ended; null if it is not one. */
export function viewDimension(word: string): ViewDimension | null {
  return VIEW_DIMENSIONS.find((known) => known === word) ?? null;
}

/** Returns the label of a dimension or of goals, or the name of the property. */
export function dimensionLabel(by: Dimension | 'goal'): string {
  if (by === 'bot') return 'Crawler';
  if (by === 'goal') return 'Goal';
  return propName(by) ?? listedDimension(by)?.label ?? by;
}
