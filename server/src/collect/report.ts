import { Compile } from 'typebox/compile';
import { MINUTE_MS } from '../clock.ts';
import { BACK_DATING_MAX_MS, type Intake, ReportedEvent, type ReportOutcome } from '../reported-event.ts';
import { errorOf, outcomeName } from './answers.ts';
import { type Outcome, type Receiver, receive, type Sender } from './receive.ts';
import { whatIsWrong } from './what-is-wrong.ts';

/**
 * Events that an owner's server reports. They go the way of every beacon; what is different is that the sender is believed:
 * about the visitor's address and user agent, which are hashed, classified and forgotten as any other's, and about the time.
 */

/** Clocks of two servers may differ by this much. */
const AHEAD_MAX_MS = 5 * MINUTE_MS;
/** A time without an offset would be somebody's local time: whose, nobody knows. */
const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})$/i;

const shape = Compile(ReportedEvent);

export function intakeOf(receiver: Receiver): Intake {
  return async (siteKey, event) => {
    const outcome = await receiveReported(receiver, siteKey, event);
    receiver.answered.add(outcomeName(outcome));
    return toReportOutcome(outcome);
  };
}

async function receiveReported(receiver: Receiver, siteKey: string, said: unknown): Promise<Outcome> {
  const found = receiver.sites.resolve(siteKey);
  // The site exists, or nobody would have asked: its key will be known here in a moment.
  if (found.kind !== 'live') return { kind: 'refused', reason: 'unavailable', retryAfterSeconds: 1 };

  const nowMs = receiver.clock.now();
  const malformed = (what: string): Outcome => {
    const siteId = found.site.id;
    receiver.events.refuse({ siteId, siteKey, receivedAtMs: nowMs, reason: 'malformed', host: '' });
    return { kind: 'refused', reason: 'malformed', detail: `The event is not well-formed: ${what}.` };
  };
  if (!shape.Check(said)) return malformed(whatIsWrong(shape, said) ?? 'it is not valid');
  const { time, address = '', user_agent: userAgent = '', ...event } = said;
  const reportedAtMs = time === undefined ? nowMs : readTime(time, nowMs);
  if (reportedAtMs === null)
    return malformed('time must be an instant of the last 48 hours, with its offset');

  const bytes = Buffer.byteLength(JSON.stringify(event));
  const sender: Sender = { address, userAgent, origin: undefined, referer: undefined };
  return receive(receiver, { beacon: { ...event, key: siteKey }, bytes, reportedAtMs }, sender);
}

/** An instant of the last 48 hours; null for any other. What lies a little ahead is now. */
function readTime(text: string, nowMs: number): number | null {
  const atMs = TIME.test(text) ? Date.parse(text) : Number.NaN;
  if (!(atMs >= nowMs - BACK_DATING_MAX_MS && atMs <= nowMs + AHEAD_MAX_MS)) return null;
  return Math.min(atMs, nowMs);
}

function toReportOutcome(outcome: Outcome): ReportOutcome {
  return outcome.kind === 'refused'
    ? { kind: 'refused', reason: outcome.reason, error: errorOf(outcome) }
    : { kind: outcome.kind };
}
