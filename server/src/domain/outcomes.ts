import { ApiError, type ErrorCode } from './errors.ts';
import { ownValue } from './own-value.ts';

/** The outcomes of a beacon. Collector, ledger, metrics, API and dashboard all read this one table. */

/** Why an event was not counted, in words that the owner of the site can act on. */
export interface Explanation {
  /** A heading of a few words. */
  title: string;
  /** The meaning, in a sentence. */
  meaning: string;
  /** What to do about it. */
  remedy: string;
  /** Whether allowing the host would count such events in the future. */
  allowable: boolean;
}

interface RefusalEntry extends Explanation {
  /** The error sent to the client; `ERRORS` has its status and sentence. */
  code: ErrorCode;
}

/** The reasons for refusals. Their names are in ledgers, metrics and alert rules, and never change. */
const REFUSALS = {
  malformed: {
    code: 'INVALID_EVENT',
    title: 'Malformed event',
    meaning: 'A field was missing or had the wrong type or length, or the event was cut off in transit.',
    remedy: 'Check what your page passes to attractos.track().',
    allowable: false,
  },
  'too-large': {
    code: 'EVENT_TOO_LARGE',
    title: 'Event too large',
    meaning: 'The event was larger than 8 KiB.',
    remedy: 'Send fewer or shorter properties.',
    allowable: false,
  },
  'media-type': {
    code: 'UNSUPPORTED_MEDIA_TYPE',
    title: 'Unsupported media type',
    meaning: 'The event was sent as something other than text/plain or application/json.',
    remedy: 'Set the Content-Type header to text/plain or application/json in the program that sends it.',
    allowable: false,
  },
  'missing-key': {
    code: 'INVALID_EVENT',
    title: 'Missing site key',
    meaning:
      'A page on one of your hosts sends events without a site key. An optimizer plugin or a tag manager removed data-key from the tag, or a template put something else there.',
    remedy: 'Put the key in the script’s address instead: /a.js?key=ak_… The Install page has such a tag.',
    allowable: false,
  },
  'unknown-key': {
    code: 'UNKNOWN_SITE_KEY',
    title: 'Unknown site key',
    meaning: 'A page on one of your hosts uses a site key that doesn’t exist.',
    remedy: 'The key was probably mistyped or cut off. Copy the snippet again.',
    allowable: false,
  },
  'retired-key': {
    code: 'RETIRED_SITE_KEY',
    title: 'Retired site key',
    meaning: 'A page still uses a site key that was retired.',
    remedy: 'Update the page to use the current key.',
    allowable: false,
  },
  'rate-limited': {
    code: 'RATE_LIMITED',
    title: 'Rate limit exceeded',
    meaning: 'The site sent more events per second than this server accepts.',
    remedy:
      'Check for code that sends events in a loop. If the traffic is real, raise SITE_RATE and SITE_BURST.',
    allowable: false,
  },
  'wrong-domain': {
    code: 'DOMAIN_MISMATCH',
    title: 'Domain not allowed',
    meaning: 'A page uses your site key, but its host is not one of the site’s allowed domains.',
    remedy:
      'If it is yours (a staging copy, a second domain), allow it. Otherwise someone copied your pages; no action needed.',
    allowable: true,
  },
  'local-host': {
    code: 'LOCAL_HOST',
    title: 'Local development',
    meaning: 'The page was opened on a developer’s machine or in a private network.',
    remedy: 'Usually no action needed. To count your own machine, allow it or add it as a separate site.',
    allowable: true,
  },
  'excluded-page': {
    code: 'EXCLUDED',
    title: 'Excluded page',
    meaning: 'The page’s path is on this site’s list of exclusions.',
    remedy: 'No action needed. To count it, change the exclusions in the site’s settings.',
    allowable: false,
  },
  'excluded-country': {
    code: 'EXCLUDED',
    title: 'Excluded country',
    meaning: 'The visitor’s country is on this site’s list of exclusions.',
    remedy: 'No action needed. To count it, change the exclusions in the site’s settings.',
    allowable: false,
  },
  'excluded-address': {
    code: 'EXCLUDED',
    title: 'Excluded IP address',
    meaning: 'The visitor’s IP address is on this site’s list of exclusions.',
    remedy: 'No action needed. To count it, change the exclusions in the site’s settings.',
    allowable: false,
  },
  'excluded-referrer': {
    code: 'EXCLUDED',
    title: 'Excluded referrer',
    meaning: 'The visitor came from a site on this site’s list of exclusions.',
    remedy: 'No action needed. To count it, change the exclusions in the site’s settings.',
    allowable: false,
  },
  'excluded-host': {
    code: 'EXCLUDED',
    title: 'Excluded host',
    meaning: 'The page’s host is on this site’s list of exclusions.',
    remedy: 'No action needed. To count it, change the exclusions in the site’s settings.',
    allowable: false,
  },
  'excluded-agent': {
    code: 'EXCLUDED',
    title: 'Excluded user agent',
    meaning: 'The browser’s user agent is on this site’s list of exclusions.',
    remedy: 'No action needed. To count it, change the exclusions in the site’s settings.',
    allowable: false,
  },
  'referrer-spam': {
    code: 'EXCLUDED',
    title: 'Referrer spam',
    meaning: 'The referrer is known to fake visits in order to be seen in reports.',
    remedy:
      'No action needed. To count them, turn off the referrer spam list under exclusions in the settings.',
    allowable: false,
  },
  'data-center': {
    code: 'EXCLUDED',
    title: 'Data center',
    meaning: 'The visitor’s IP address belongs to a hosting provider, which usually means a program.',
    remedy: 'No action needed. To count such visits, change the exclusions in the site’s settings.',
    allowable: false,
  },
  busy: {
    code: 'UNAVAILABLE',
    title: 'Server busy',
    meaning: 'The write queue was full. The page was asked to retry later.',
    remedy: 'If this keeps happening, the server needs a faster disk.',
    allowable: false,
  },
  unavailable: {
    code: 'UNAVAILABLE',
    title: 'Database unavailable',
    meaning: 'The disk was full, or the database could not be reached. The page was asked to retry later.',
    remedy: 'Run “attractos doctor” and check the disk.',
    allowable: false,
  },
} as const satisfies Readonly<Record<string, RefusalEntry>>;

/** The reason for a refusal. */
export type RefusalReason = keyof typeof REFUSALS;

/**
 * The ledger's name for stored events whose texts were replaced, because the site had used up its limits of the day. They are
 * counted as `stored` too, so no sum includes them.
 */
export const SHORTENED = 'shortened';

const SHORTENED_EXPLANATION: Explanation = {
  title: 'Shortened',
  meaning:
    'These events are counted. But the site sent more text in a day than this server stores, so pages, properties or other texts that were new or long are listed as “(other)”.',
  remedy:
    'Check for code, or a stranger, that sends something different with every event. If the traffic is real, raise SITE_TEXTS or SITE_TEXT_MIB.',
  allowable: false,
};

/** The outcomes of a beacon that is not refused. */
const ACCEPTED = ['stored', 'duplicate', 'bot'] as const;
export type AcceptedOutcome = (typeof ACCEPTED)[number];

/** The outcome of a beacon: a closed union, for exhaustive switches. */
export type Outcome = { kind: AcceptedOutcome } | RefusedOutcome;

/** The outcome of a refused beacon. */
export interface RefusedOutcome {
  kind: 'refused';
  reason: RefusalReason;
  /** The field that makes the event malformed, such as `props.items`. */
  field?: string;
  detail?: string;
  retryAfterSeconds?: number;
}

/** The outcome in metrics if the server failed; the log has the error. */
export const FAULT = 'internal';

/** The names of all outcomes: the kind, or the reason for a refusal. */
export const OUTCOME_NAMES: readonly string[] = [...ACCEPTED, ...Object.keys(REFUSALS), FAULT];

/** Returns the name of an outcome in ledger and metrics. */
export function outcomeName(outcome: Outcome): string {
  return outcome.kind === 'refused' ? outcome.reason : outcome.kind;
}

/** The reasons for refusing events that need no key of the site. Anyone can send them, from any host that the site allows. */
const HOST_CLAIMED: readonly string[] = [
  'unknown-key',
  'missing-key',
  'too-large',
  'media-type',
] satisfies RefusalReason[];

/** Whether a reason is that of events whose hosts anyone can make up, even without a key of the site. */
export function isHostClaimed(reason: string): boolean {
  return HOST_CLAIMED.includes(reason);
}

/** Whether a ledger's line counts events that were refused. */
export function isRefused(name: string): boolean {
  return !isAccepted(name) && name !== SHORTENED;
}

/** Whether an outcome's name is not that of a refusal. */
export function isAccepted(name: string): name is AcceptedOutcome {
  return ACCEPTED.some((accepted) => accepted === name);
}

/** Returns the error for the sender of a refused beacon. */
export function errorOf({ reason, detail, retryAfterSeconds }: RefusedOutcome): ApiError {
  return new ApiError(REFUSALS[reason].code, {
    ...(detail === undefined ? {} : { detail }),
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
  });
}

/** Returns the value of `X-Attractos-Outcome`, for a page's debug mode, such as `stored` or `refused; reason=wrong-domain`. */
export function headerValue(outcome: Outcome): string {
  return outcome.kind === 'refused' ? `refused; reason=${outcome.reason}` : outcome.kind;
}

const REFUSALS_BY_NAME: Readonly<Record<string, RefusalEntry>> = REFUSALS;

/** Returns the explanation of a ledger's reason. A reason from a newer version is shown by its name. */
export function explanationOf(reason: string): Explanation {
  if (reason === SHORTENED) return SHORTENED_EXPLANATION;
  return (
    ownValue(REFUSALS_BY_NAME, reason) ?? {
      title: reason,
      meaning: 'The event was rejected.',
      remedy: 'Check the server’s log.',
      allowable: false,
    }
  );
}

/** The meaning of `bot`, which the API's ledger lists among the refusals. */
const BOT_MEANING = 'A self-identified crawler: recorded as a bot visit, never counted as an event.';

/** Returns the meaning of a ledger's reason, `bot` included; null if the reason is unknown. */
export function meaningOf(reason: string): string | null {
  return reason === 'bot' ? BOT_MEANING : (ownValue(REFUSALS_BY_NAME, reason)?.meaning ?? null);
}

/** All reasons in the ledger for events that are not counted. */
export const LEDGER_REASONS: readonly string[] = [...Object.keys(REFUSALS), 'bot'];
