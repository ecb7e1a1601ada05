import { ledgerField } from '../app/event-fields.ts';
import type { Outcome, RefusalReason } from '../domain/outcomes.ts';
import { type Events, NO_SITE } from '../store/contract/store.ts';
import type { WrongField } from './what-is-wrong.ts';

/** Seconds to wait before a retry if the store could not accept an event. */
const RETRY_AFTER_SECONDS = 5;

/** The details of a refusal. */
export interface RefusalDetails {
  /** The host of the page, for the ledger. */
  host?: string;
  /** The field that makes the event malformed, for the ledger. */
  field?: string;
  /** Explains to the sender what exactly is wrong. */
  detail?: string;
  retryAfterSeconds?: number;
}

/** A site in whose ledger a refusal is recorded. */
interface Concern {
  siteId: string;
  /** The key in the beacon; null if it is not one of the site's keys. */
  siteKey: string | null;
}

/** A refusal, thrown by a step of `receive`. */
export class Refused {
  readonly reason: RefusalReason;
  readonly details: RefusalDetails;
  readonly concerns: readonly Concern[];

  constructor(reason: RefusalReason, details: RefusalDetails = {}, concerns: readonly Concern[] = []) {
    this.reason = reason;
    this.details = details;
    this.concerns = concerns;
  }
}

/** Returns the same refusal, but concerning one site only. */
export function concerning({ reason, details }: Refused, concern: Concern): Refused {
  return new Refused(reason, details, [concern]);
}

/** Records a refusal in the ledgers of the sites that it concerns, or in the operator's ledger if it concerns none. */
export function enterRefusal(
  events: Pick<Events, 'refuse'>,
  { reason, details, concerns }: Refused,
  receivedAtMs: number,
): void {
  // The operator's ledger stores no hosts or fields, because a client could invent any number of them.
  if (concerns.length === 0)
    events.refuse({ siteId: NO_SITE, siteKey: null, receivedAtMs, reason, host: '' });
  const { host = '', field = '' } = details;
  for (const { siteId, siteKey } of concerns)
    events.refuse({ siteId, siteKey, receivedAtMs, reason, host, field: ledgerField(field) });
}

/** Creates the refusal of an event of which a field is wrong. */
export function malformed({ field, sentence }: WrongField): Refused {
  return new Refused('malformed', { field, detail: `The event is invalid: ${sentence}.` });
}

/** Returns the outcome of a refusal. */
export function refusalOutcome({ reason, details }: Refused): Outcome {
  const { field = '', detail, retryAfterSeconds } = details;
  const isPassing = reason === 'busy' || reason === 'unavailable';
  const retry = retryAfterSeconds ?? (isPassing ? RETRY_AFTER_SECONDS : undefined);
  return {
    kind: 'refused',
    reason,
    ...(field === '' ? {} : { field }),
    ...(detail === undefined ? {} : { detail }),
    ...(retry === undefined ? {} : { retryAfterSeconds: retry }),
  };
}
