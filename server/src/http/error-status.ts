/** Returns the HTTP status of a framework error; 500 for any other error. */
export function errorStatus(error: unknown): number {
  return error instanceof Error && 'statusCode' in error ? Number(error.statusCode) : 500;
}
