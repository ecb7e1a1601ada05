import type { StoredEvent } from './events.ts';

/** What is asked about the events. `store.ts` has the meaning of times and ids. */

/** What events and visits can be split and filtered by, properties aside. */
export const EVENT_DIMENSIONS = [
  'page',
  'entry',
  'exit',
  'host',
  'source',
  'channel',
  'campaign',
  'country',
  'device',
  'browser',
  'os',
  'event',
] as const;

/**
 * What numbers can be split by. `prop:NAME` is the value of a property of events. `entry` and `exit` are the first and last
 * page of a visit; `bot` splits bot visits and nothing else.
 */
export type Dimension = (typeof EVENT_DIMENSIONS)[number] | 'bot' | `prop:${string}`;

/** Keeps what has one of the values, or with `negated` what has none of them. Null stands for "not known". */
export interface Filter {
  by: Exclude<Dimension, 'bot'>;
  values: readonly (string | null)[];
  negated: boolean;
}

/** A site's receipts from an instant up to, not including, another. */
export interface Scope {
  siteId: string;
  fromMs: number;
  toMs: number;
  filters: readonly Filter[];
}

/**
 * The numbers of a span. A visitor is counted once per UTC day, since that is how long a pseudonym lives; a visit belongs to
 * the span in which it began.
 */
export interface Measures {
  visitors: number;
  /** A visitor's views without a 30-minute gap. */
  visits: number;
  pageviews: number;
  /** Page views and conversions: what `events_this_month` counts. */
  events: number;
  /** Events that are no page view. */
  conversions: number;
  /** Visits that a language-model assistant sent. */
  referrals: number;
  /** Visits of one page view, no other event, and less than ten seconds of engaged time. */
  bounces: number;
  engagedMs: number;
  botVisits: number;
}

export interface BreakdownRow extends Measures {
  /** Null for "not known". */
  value: string | null;
  /** For `bot`: who runs it. */
  company?: string | null;
}

/** One thing that happened, as the list of single events shows it. */
export type Happening =
  | { type: 'event'; event: StoredEvent }
  | {
      type: 'bot';
      cursor: string;
      receivedAtMs: number;
      bot: string;
      company: string | null;
      botClass: string;
      host: string;
      path: string;
    };

/** Questions about what happened. Answered off the writer's thread; every method may throw `StoreUnavailable`. */
export interface Reports {
  totals(scope: Scope): Promise<Measures>;
  /** One answer per bucket: bucket i goes from boundary i up to boundary i + 1. The scope's own span is the whole of them. */
  series(scope: Omit<Scope, 'fromMs' | 'toMs'>, boundariesMs: readonly number[]): Promise<Measures[]>;
  /** Largest first (visitors, then events, then value); `cursor` from the page before. */
  breakdown(
    scope: Scope,
    by: Dimension,
    options: { limit: number; cursor?: string },
  ): Promise<{ rows: BreakdownRow[]; nextCursor: string | null }>;
  /** Single happenings, newest first. `referral`: page views that began a visit sent by an assistant. */
  happenings(
    scope: Omit<Scope, 'filters'>,
    options: { type: 'event' | 'bot' | 'referral' | 'conversion' | null; limit: number; cursor?: string },
  ): Promise<{ happenings: Happening[]; nextCursor: string | null }>;
  /** Visitors with an event since an instant, and the pages they saw last: the hundred with most visitors. */
  realtime(
    siteId: string,
    sinceMs: number,
  ): Promise<{ visitors: number; pages: { path: string; visitors: number }[] }>;
  /**
   * Makes questions about UTC days before one quick to answer. Changes no answer. Ends early when the signal says so.
   *
   * @returns days of sites made quick
   */
  prepare(beforeDay: number, signal?: AbortSignal): Promise<number>;
}
