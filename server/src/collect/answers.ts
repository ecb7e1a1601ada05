import { ApiError, type ErrorCode } from '../errors.ts';
import type { Outcome, RefusalReason } from './receive.ts';

/** Outcomes in the words of HTTP, shared by every way that events come in. */

const CODES: Readonly<Record<RefusalReason, ErrorCode>> = {
  malformed: 'INVALID_EVENT',
  'too-large': 'EVENT_TOO_LARGE',
  'media-type': 'UNSUPPORTED_MEDIA_TYPE',
  'unknown-key': 'UNKNOWN_SITE_KEY',
  'retired-key': 'RETIRED_SITE_KEY',
  'rate-limited': 'RATE_LIMITED',
  'wrong-domain': 'DOMAIN_MISMATCH',
  'local-host': 'LOCAL_HOST',
  'excluded-page': 'EXCLUDED',
  'excluded-country': 'EXCLUDED',
  busy: 'UNAVAILABLE',
  unavailable: 'UNAVAILABLE',
};

/** In place of an outcome: a fault of ours, in the log. */
export const FAULT = 'internal';

/** Every name that an outcome has: its kind, or the reason of a refusal. */
export const OUTCOME_NAMES: readonly string[] = ['stored', 'duplicate', 'bot', ...Object.keys(CODES), FAULT];

/** The outcome in one word, as the ledger and the metrics count it. */
export function outcomeName(outcome: Outcome): string {
  return outcome.kind === 'refused' ? outcome.reason : outcome.kind;
}

/** What became of a refused beacon, as an error that its sender sees. */
export function errorOf({
  reason,
  detail,
  retryAfterSeconds,
}: Extract<Outcome, { kind: 'refused' }>): ApiError {
  return new ApiError(CODES[reason], {
    ...(detail === undefined ? {} : { detail }),
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
  });
}

/** `stored`, `duplicate`, `bot`, `refused; reason=wrong-domain`: what a page's own debug mode reads. */
export function headerValue(outcome: Outcome): string {
  return outcome.kind === 'refused' ? `refused; reason=${outcome.reason}` : outcome.kind;
}
