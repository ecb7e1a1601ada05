import { plural, whole } from '../kit/format.ts';

/** The texts of the list of sites. */
export const SITES_TEXT = {
  title: 'Sites',
  add: 'Add site',
  more: 'More sites',
  previous: 'Previous sites',
  next: 'Next sites',
  shared: 'shared with you',
  waiting: 'Waiting for the first event',
  online: (count: number) => `${count} online`,
  quietLink: 'Is the snippet still on your pages?',
  notCounted: (count: string) => `${count} not counted this week`,
  resets: (date: string) => `resets ${date}`,
  thisMonth: (events: number) => `${plural(events, 'event')} this month`,
  /** The words after the number of events. */
  eventsThisMonth: (events: number) => `${events === 1 ? 'event' : 'events'} this month`,
  /** The words after the number of events. */
  ofLimit: (limit: string) => `of ${limit} events`,
  over: (events: string, limit: string, resets: string) =>
    `${events} events this month on all sites, above the ${limit} of your plan. All events are still stored and counted. The count ${resets}.`,
  lessThanOne: 'less than 1%',
  share: (percent: string) => `${percent} of your monthly limit`,
  all: (sites: number) => `All ${whole(sites)} sites`,
  period: 'Period',
  choose: (domain: string) => `Choose ${domain}`,
  rollUp: 'Open roll-up of chosen sites',
  rollUpAll: 'Roll-up of all sites',
  rollUpHint: (most: number) => `One report over several sites, at most ${most}.`,
  visitors: 'Visitors',
  pageviews: 'Page views',
  events: 'Events',
  /** What the sums are about. */
  sums: (name: string, days: string, zone: string, before: string | null) =>
    `${name}: ${days}, ${zone}${before === null ? '' : `, compared with ${before}`}. A visitor of two sites counts on each, because the anonymous ID differs by site.`,
  tooMany: (sites: number, most: number) =>
    `There are no sums here, because they cover at most ${whole(most)} sites and you see ${whole(sites)}.`,
  unknownRange: (range: string) => `There is no period “${range}”, so the default is shown.`,
  visitorsSpark: (buckets: number, days: string, visitors: number, most: number) =>
    `${plural(visitors, 'visitor')} ${days}, up to ${whole(most)} in one of ${plural(buckets, 'bar')}`,
  /** The label in front of the time of the last event. */
  lastEvent: 'Last event',
  quiet: 'Usually busy, but no events for twelve hours.',
  spark: (days: number, from: string, events: number, most: number) =>
    `${days} days from ${from}: ${plural(events, 'event')}, up to ${whole(most)} a day`,
} as const;
