import { Compile } from 'typebox/compile';
import { ruleOf } from '../app/event-fields.ts';
import { BACK_DATING_MAX_MS, type Intake, ReportedEvent, type ReportOutcome } from '../app/reported-event.ts';
import { readAddress } from '../domain/addresses.ts';
import { MINUTE_MS } from '../domain/clock.ts';
import { errorOf, type Outcome, outcomeName } from '../domain/outcomes.ts';
import type { Client } from './raw-beacon.ts';
import { type Receiver, receive } from './receive.ts';
import { concerning, enterRefusal, malformed, refusalOutcome } from './refuse.ts';
import { type WrongField, whatIsWrong } from './what-is-wrong.ts';

/**
 * Server-side tracking: receives events that an owner's server sends. They are received like beacons, except that the sender is
 * trusted to report the time and the visitor's address and user agent, which are hashed and classified but never stored.
 */

/** How far the sender's clock may be ahead. */
const AHEAD_MAX_MS = 5 * MINUTE_MS;
/** An ISO 8601 time. The UTC offset is required, because without it the time zone would be unknown. */
const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})$/i;

const shape = Compile(ReportedEvent);

export function intakeOf(receiver: Receiver): Intake {
  return async (siteKey, event) => {
    const outcome = await receiveReported(receiver, siteKey, event);
    receiver.answered(outcomeName(outcome));
    return toReportOutcome(outcome);
  };
}

async function receiveReported(receiver: Receiver, siteKey: string, payload: unknown): Promise<Outcome> {
  const found = receiver.sites.resolve(siteKey);
  // The API has found the site, so the collector will load its key within a moment.
  if (found.kind !== 'live') return { kind: 'refused', reason: 'unavailable', retryAfterSeconds: 1 };

  const nowMs = receiver.clock.now();
  const refuse = (wrong: WrongField): Outcome => {
    const refused = concerning(malformed(wrong), { siteId: found.site.id, siteKey });
    enterRefusal(receiver.events, refused, nowMs);
    return refusalOutcome(refused);
  };
  if (!shape.Check(payload)) return refuse(whatIsWrong(shape, payload));
  const { time, address = '', user_agent: userAgent = '', language = '', ...event } = payload;
  const reportedAtMs = time === undefined ? nowMs : readTime(time, nowMs);
  if (reportedAtMs === null) return refuse({ field: 'time', sentence: `time must be ${ruleOf('time')}` });

  const bytes = Buffer.byteLength(JSON.stringify(event));
  const client: Client = {
    address: readAddress(address) ?? address,
    userAgent,
    acceptLanguage: language,
    origin: undefined,
    referer: undefined,
  };
  return receive(receiver, { payload: { ...event, key: siteKey }, bytes, reportedAtMs }, client);
}

/** Parses a time within the last 48 hours; null for any other. A time up to `AHEAD_MAX_MS` ahead becomes now. */
function readTime(text: string, nowMs: number): number | null {
  const atMs = TIME.test(text) ? Date.parse(text) : Number.NaN;
  if (!(atMs >= nowMs - BACK_DATING_MAX_MS && atMs <= nowMs + AHEAD_MAX_MS)) return null;
  return Math.min(atMs, nowMs);
}

function toReportOutcome(outcome: Outcome): ReportOutcome {
  return outcome.kind === 'refused'
    ? { kind: 'refused', reason: outcome.reason, field: outcome.field ?? null, error: errorOf(outcome) }
    : { kind: outcome.kind };
}
