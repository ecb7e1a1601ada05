/** Distinguishes browsers from programs by the `Accept` header, in which browsers name `text/html`. */

interface WithHeaders {
  headers: { accept?: string | undefined };
}

/** Returns whether the client is a browser that shows the response as a page. */
export function wantsPage({ headers: { accept = '' } }: WithHeaders): boolean {
  return accept.includes('text/html');
}

/** Returns whether the client is a program that reads JSON. */
export function wantsJson(request: WithHeaders): boolean {
  return (request.headers.accept ?? '').includes('application/json') && !wantsPage(request);
}
