/**
 * Every error that a client can see, in one closed table: code, status, and a sentence for a person.
 * The rooms throw `new ApiError('CODE')`; whoever speaks HTTP turns it into `{error, code}`.
 */
export const ERRORS = {
  // Asking
  MISSING_KEY: {
    status: 401,
    sentence: 'No Authorization header provided. Send "Authorization: Bearer <API key>".',
  },
  INVALID_KEY: { status: 401, sentence: 'The API key is invalid or was revoked.' },
  USER_NOT_FOUND: { status: 401, sentence: 'The account of this API key no longer exists.' },
  SCOPE_REQUIRED: { status: 403, sentence: 'This API key may not do that.' },
  SITE_NOT_FOUND: { status: 403, sentence: 'There is no such site, or it belongs to another account.' },
  PLAN_REQUIRED: { status: 403, sentence: 'This needs a higher plan.' },
  ORIGIN_NOT_ALLOWED: { status: 403, sentence: 'Pages of this origin may not ask here.' },
  MISSING_SITE_ID: { status: 400, sentence: 'The path lacks a site id, as in /api/v1/sites/{id}/stats.' },
  INVALID_DATE_RANGE: {
    status: 400,
    sentence: 'start and end are real dates, written YYYY-MM-DD, and start is not after end.',
  },
  INVALID_QUERY: { status: 400, sentence: 'The query is not well-formed.' },
  RATE_LIMITED: { status: 429, sentence: 'Too many requests. Try again later.' },
  NOT_FOUND: { status: 404, sentence: 'There is nothing at this address.' },
  METHOD_NOT_ALLOWED: { status: 405, sentence: 'This address does not take that method.' },
  INVALID_JSON: { status: 400, sentence: 'The body is not JSON.' },
  BODY_TOO_LARGE: { status: 413, sentence: 'The body is too large.' },
  INVALID_REQUEST: { status: 400, sentence: 'The request is not well-formed.' },
  INTERNAL: { status: 500, sentence: 'Something went wrong on our side.' },
  UNAVAILABLE: { status: 503, sentence: 'The service cannot answer right now. Try again shortly.' },
  // Collecting
  INVALID_EVENT: { status: 400, sentence: 'The event is not well-formed.' },
  UNSUPPORTED_MEDIA_TYPE: { status: 415, sentence: 'Send the event as text/plain or application/json.' },
  EVENT_TOO_LARGE: { status: 413, sentence: 'The event is too large.' },
  DOMAIN_MISMATCH: { status: 403, sentence: 'The page does not belong to the domain of this site key.' },
  LOCAL_HOST: { status: 403, sentence: 'Events from local and private hosts are not counted.' },
  EXCLUDED: { status: 403, sentence: 'The owner of the site leaves this out.' },
  UNKNOWN_SITE_KEY: { status: 404, sentence: 'There is no site with this key.' },
  RETIRED_SITE_KEY: {
    status: 410,
    sentence: 'This site key was retired. Put the current key into the page.',
  },
} as const satisfies Record<string, { status: number; sentence: string }>;

export type ErrorCode = keyof typeof ERRORS;

/** The body of every error answer. `retry_after` (seconds) is there where trying again makes sense. */
export interface ErrorBody {
  error: string;
  code: ErrorCode;
  retry_after?: number;
}

/** An error that a client is meant to see. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly code: ErrorCode;
  readonly status: number;
  /** Whole seconds after which trying again makes sense. */
  readonly retryAfterSeconds: number | undefined;

  /** @param detail said in place of the table's sentence, where there is more to tell */
  constructor(
    code: ErrorCode,
    { detail, retryAfterSeconds }: { detail?: string; retryAfterSeconds?: number } = {},
  ) {
    super(detail ?? ERRORS[code].sentence);
    this.code = code;
    this.status = ERRORS[code].status;
    this.retryAfterSeconds = retryAfterSeconds;
  }

  body(): ErrorBody {
    return {
      error: this.message,
      code: this.code,
      ...(this.retryAfterSeconds === undefined ? {} : { retry_after: this.retryAfterSeconds }),
    };
  }
}
