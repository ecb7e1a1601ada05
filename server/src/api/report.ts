import { type Static, Type } from 'typebox';
import { ApiError, type ErrorCode } from '../errors.ts';
import { type Intake, REPORTED_EVENTS_MAX, ReportedEvent, type ReportOutcome } from '../reported-event.ts';
import { Maybe } from './schema-parts.ts';

/** Events by `POST`, from an owner's own server: what no page can see, such as visits of crawlers. */

/** Largest body: a batch of the largest events, with what stands around them. */
export const REPORT_MAX_BYTES = REPORTED_EVENTS_MAX * 10 * 1024;

export const Report = Type.Union([
  ReportedEvent,
  Type.Array(ReportedEvent, { minItems: 1, maxItems: REPORTED_EVENTS_MAX }),
]);
export type Report = Static<typeof Report>;

export const ReportAnswer = Type.Object({
  outcomes: Type.Array(
    Type.Object({
      id: Maybe('The id of the event, as sent; null where none was.', 'order-1001'),
      outcome: Type.Enum(['stored', 'duplicate', 'bot', 'refused'], {
        description:
          'stored: on disk, and counted (a leave is not). duplicate: its id was there before. bot: recorded as a bot visit. refused: not stored, for the reason given.',
      }),
      reason: Type.Optional(Type.String({ description: 'Why it was refused, as in the ledger.' })),
      code: Type.Optional(
        Type.String({ description: 'Code of the error, as a single event would have had it.' }),
      ),
      error: Type.Optional(Type.String({ description: 'The error in a sentence.' })),
    }),
    { description: 'One for each event, in their order. What is not refused is on disk.' },
  ),
});
export type ReportAnswer = Static<typeof ReportAnswer>;

/** What the documentation says of it. */
export const report = {
  name: 'reportEvents',
  path: '/v1/sites/{id}/events',
  summary: 'Report events from a server',
  description: `One event, or a list of up to ${REPORTED_EVENTS_MAX}, for an API key with the scope write. Safe to repeat: an id counts once in 48 hours. A single event that is refused is answered by the error; of a list, each event has its outcome.`,
  body: Report,
  answer: ReportAnswer,
  errors: [
    'INVALID_JSON',
    'INVALID_EVENT',
    'EVENT_TOO_LARGE',
    'BODY_TOO_LARGE',
    'UNSUPPORTED_MEDIA_TYPE',
    'DOMAIN_MISMATCH',
    'LOCAL_HOST',
    'EXCLUDED',
  ] satisfies ErrorCode[],
};

/**
 * Hands the events of a body over, together, so that they share a commit.
 *
 * @throws ApiError INVALID_EVENT for a body that is neither an event nor a list of them; the refusal of a single event
 */
export async function takeReport(intake: Intake, siteKey: string, body: unknown): Promise<ReportAnswer> {
  if (!Array.isArray(body)) {
    const outcome = await intake(siteKey, body);
    if (outcome.kind === 'refused') throw outcome.error;
    return { outcomes: [describeOutcome(body, outcome)] };
  }
  const events: readonly unknown[] = body;
  if (events.length === 0 || events.length > REPORTED_EVENTS_MAX) {
    throw new ApiError('INVALID_EVENT', {
      detail: `A list holds 1 to ${REPORTED_EVENTS_MAX} events, and this one has ${events.length}.`,
    });
  }
  const outcomes = await Promise.all(events.map((event) => intake(siteKey, event)));
  return { outcomes: outcomes.map((outcome, i) => describeOutcome(events[i], outcome)) };
}

function describeOutcome(event: unknown, outcome: ReportOutcome): ReportAnswer['outcomes'][number] {
  const id =
    typeof event === 'object' && event !== null && 'id' in event && typeof event.id === 'string'
      ? event.id
      : null;
  if (outcome.kind !== 'refused') return { id, outcome: outcome.kind };
  const { error, code } = outcome.error.body();
  return { id, outcome: 'refused', reason: outcome.reason, code, error };
}
