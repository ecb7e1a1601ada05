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
  /** The label in front of the time of the last event. */
  lastEvent: 'Last event',
  quiet: 'Usually busy, but no events for twelve hours.',
  spark: (days: number, from: string, events: number, most: number) =>
    `${days} days from ${from}: ${plural(events, 'event')}, up to ${whole(most)} a day`,
} as const;
