import { type Static, Type } from 'typebox';
import {
  type Intake,
  REPORTED_EVENTS_MAX,
  ReportedEvent,
  type ReportOutcome,
} from '../app/reported-event.ts';
import { ApiError, type ErrorCode } from '../domain/errors.ts';
import { Maybe } from './schema-parts.ts';

/** Server-side tracking by `POST`: events that no page can see, such as crawler visits. */

/** The largest body: a full batch of the largest events, with some room for JSON syntax. */
export const REPORT_MAX_BYTES = REPORTED_EVENTS_MAX * 10 * 1024;

const Report = Type.Union([
  ReportedEvent,
  Type.Array(ReportedEvent, { minItems: 1, maxItems: REPORTED_EVENTS_MAX }),
]);
export type Report = Static<typeof Report>;

export const ReportAnswer = Type.Object({
  outcomes: Type.Array(
    Type.Object({
      id: Maybe('ID of the event as sent; null if none was sent.', 'order-1001'),
      outcome: Type.Enum(['stored', 'duplicate', 'bot', 'refused'], {
        description:
          'stored: saved and counted (a leave is not counted). duplicate: the id was already stored. bot: recorded as a bot visit. refused: not stored; see reason.',
      }),
      reason: Type.Optional(Type.String({ description: 'Reason for the refusal, as in the ledger.' })),
      field: Type.Optional(
        Type.String({
          description: 'The field that was wrong, if reason is malformed.',
          examples: ['props.items'],
        }),
      ),
      code: Type.Optional(Type.String({ description: 'Error code, the same as for a single event.' })),
      error: Type.Optional(
        Type.String({
          description: 'Human-readable error message. If a field was wrong, it says what is allowed.',
        }),
      ),
    }),
    { description: 'One outcome per event, in the same order. Events that are not refused are saved.' },
  ),
});
export type ReportAnswer = Static<typeof ReportAnswer>;

/** The documentation of the operation. */
export const report = {
  name: 'reportEvents',
  path: '/v1/sites/{id}/events',
  summary: 'Server-side tracking',
  description: `Sends one event, or a list of up to ${REPORTED_EVENTS_MAX}, from your server. Events with an id are safe to retry: an id counts once in 48 hours. If a single event is refused, the response is the error; for a list, each event has its own outcome.`,
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
 * Sends the events of a body to the collector together, so that they share a commit.
 *
 * @throws ApiError INVALID_EVENT if the body is neither an event nor a list; the refusal of a single event
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
      detail: `A batch must have 1 to ${REPORTED_EVENTS_MAX} events; got ${events.length}.`,
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
  const { reason, field } = outcome;
  const { error, code } = outcome.error.body();
  return { id, outcome: 'refused', reason, ...(field === null ? {} : { field }), code, error };
}
