/**
 * Every error that a client can see: its code, its status and a default sentence. Codes and statuses never change.
 * Any code can throw `new ApiError('CODE')`; the HTTP layer converts it to `{error, code}`.
 */
export const ERRORS = {
  // API
  MISSING_KEY: {
    status: 401,
    sentence: 'No Authorization header provided. Send "Authorization: Bearer <API key>".',
  },
  INVALID_KEY: { status: 401, sentence: 'The API key is invalid or was revoked.' },
  USER_NOT_FOUND: { status: 401, sentence: 'The account that owns this API key no longer exists.' },
  SCOPE_REQUIRED: { status: 403, sentence: 'This API key does not have the required scope.' },
  SITE_NOT_FOUND: { status: 403, sentence: 'Site not found, or this API key has no access to it.' },
  PLAN_REQUIRED: { status: 403, sentence: 'This feature requires a higher plan.' },
  ORIGIN_NOT_ALLOWED: { status: 403, sentence: 'Requests from this origin are not allowed.' },
  MISSING_SITE_ID: {
    status: 400,
    sentence: 'The path must include a site ID, such as /api/v1/sites/{id}/stats.',
  },
  INVALID_DATE_RANGE: {
    status: 400,
    sentence: 'start and end must be valid YYYY-MM-DD dates, and start must not be after end.',
  },
  INVALID_QUERY: { status: 400, sentence: 'The query string is invalid.' },
  RATE_LIMITED: { status: 429, sentence: 'Too many requests. Try again later.' },
  NOT_FOUND: { status: 404, sentence: 'Not found. Check the path.' },
  METHOD_NOT_ALLOWED: { status: 405, sentence: 'Method not allowed.' },
  INVALID_JSON: { status: 400, sentence: 'The request body must be valid JSON.' },
  BODY_TOO_LARGE: { status: 413, sentence: 'The request body is too large.' },
  INVALID_REQUEST: { status: 400, sentence: 'The request is invalid.' },
  INTERNAL: {
    status: 500,
    sentence: 'Internal server error. Try again; if it persists, check the server log.',
  },
  UNAVAILABLE: { status: 503, sentence: 'The service is temporarily unavailable. Try again shortly.' },
  // Collector
  INVALID_EVENT: { status: 400, sentence: 'The event is invalid.' },
  UNSUPPORTED_MEDIA_TYPE: { status: 415, sentence: 'Content-Type must be text/plain or application/json.' },
  EVENT_TOO_LARGE: { status: 413, sentence: 'The event exceeds the size limit.' },
  DOMAIN_MISMATCH: { status: 403, sentence: "The page's host does not match the domain of this site key." },
  LOCAL_HOST: { status: 403, sentence: 'Events from local and private hosts are not counted.' },
  EXCLUDED: { status: 403, sentence: "Excluded by the site's owner." },
  UNKNOWN_SITE_KEY: { status: 404, sentence: 'No site uses this key. Copy the snippet again.' },
  RETIRED_SITE_KEY: {
    status: 410,
    sentence: "This site key is retired. Use the site's current key.",
  },
} as const satisfies Record<string, { status: number; sentence: string }>;

export type ErrorCode = keyof typeof ERRORS;

/** The body of every error response. `retry_after` (seconds) is present if a retry can succeed. */
export interface ErrorBody {
  error: string;
  code: ErrorCode;
  retry_after?: number;
}

/** An error whose message is shown to the client. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly code: ErrorCode;
  readonly status: number;
  /** Whole seconds to wait before a retry; undefined if a retry would not help. */
  readonly retryAfterSeconds: number | undefined;

  /** @param detail replaces the default sentence, to say exactly what is wrong */
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
