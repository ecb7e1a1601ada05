import { ApiError } from '../domain/errors.ts';

/** Returns the HTTP status of a framework error; 500 for any other error. */
export function errorStatus(error: unknown): number {
  return error instanceof Error && 'statusCode' in error ? Number(error.statusCode) : 500;
}

/**
 * Returns what the client gets for a request that the framework refused; null for any other error.
 *
 * @param mediaType the only media type of bodies that the route accepts
 */
export function refusedByFramework(error: unknown, mediaType = 'application/json'): ApiError | null {
  if (error instanceof ApiError) return error;
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') return new ApiError('BODY_TOO_LARGE');
  if (code === 'FST_ERR_CTP_INVALID_JSON_BODY' || code === 'FST_ERR_CTP_EMPTY_JSON_BODY')
    return new ApiError('INVALID_JSON');
  const status = errorStatus(error);
  if (status === 415)
    return new ApiError('UNSUPPORTED_MEDIA_TYPE', { detail: `Content-Type must be ${mediaType}.` });
  return status >= 400 && status < 500 ? new ApiError('INVALID_REQUEST') : null;
}
