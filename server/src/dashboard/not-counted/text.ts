import { plural } from '../kit/format.ts';

/** The texts of the “Not counted” page. */
export const NOT_COUNTED_TEXT = {
  title: 'Not counted',
  heading: 'What happened to every event',
  period: 'Period',
  today: 'Today',
  allowed: (host: string) => `Events from ${host} are counted from now on. Earlier events stay uncounted.`,
  none: 'No events were rejected.',
  noneHint: (since: string) => `Every event since ${since} was counted, or was a duplicate or a crawler.`,
  received: 'Received',
  receivedHint: (since: string) => `since ${since}, UTC`,
  counted: 'Counted',
  countedHint: 'as in the API and your plan',
  duplicates: 'Duplicates',
  duplicatesHint: 'counted once',
  crawlers: 'Crawlers',
  crawlersHint: 'recorded as bot visits',
  rejected: 'Rejected',
  rejectedHint: 'explained below',
  otherHosts: 'other hosts',
  allow: (host: string) => `Allow ${host}`,
  days: (count: number) => `${count} days`,
  /** The noun after the number. */
  events: (count: number) => (count === 1 ? 'event' : 'events'),
  last: 'Last',
  first: 'First',
  isAllowed: (count: number) => `This host is now allowed. ${plural(count, 'event')} arrived before that.`,
} as const;
