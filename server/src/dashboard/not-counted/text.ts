import { plural } from '../kit/format.ts';

/** The texts of the “Not counted” page. */
export const NOT_COUNTED_TEXT = {
  title: 'Not counted',
  heading: 'What happened to every event',
  period: 'Period',
  today: 'Today',
  allowed: (host: string) => `Events from ${host} are counted from now on. Earlier events stay uncounted.`,
  /** The words before the time that has passed. */
  outage: (events: number) =>
    `The server cannot store events at the moment. It refused ${plural(events, 'event')} of this site; the first one arrived`,
  outageLedger: 'The numbers below may lack them until the server can store again.',
  /** The words before the time that has passed. */
  silent: (host: string) => `No event has arrived since a page on ${host} loaded the script`,
  silentHelp: 'See the likely causes',
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
  hosts: (count: number) => `${count} hosts`,
  otherHosts: 'other hosts',
  otherFields: 'other fields',
  allow: (host: string) => `Allow ${host}`,
  days: (count: number) => `${count} days`,
  /** The noun after the number. */
  events: (count: number) => (count === 1 ? 'event' : 'events'),
  last: 'Last',
  first: 'First',
  isAllowed: (count: number) => `This host is now allowed. ${plural(count, 'event')} arrived before that.`,
} as const;
