/** The sentences of the error pages, and those of credentials that every page checks alike. */

export interface ErrorText {
  title: string;
  text: string;
}

export const ERROR_TEXT = {
  notFound: { title: 'Page not found', text: 'Check the address for typos.' },
  /** The same for a page that does not exist and for one that belongs to someone else, so that it does not reveal which. */
  noAccess: { title: 'Page not found', text: 'This page doesn’t exist, or you don’t have access to it.' },
  methodNotAllowed: { title: 'Method not allowed', text: 'Go back to your sites and try again.' },
  staleForm: {
    title: 'This form has expired',
    text: 'You signed in or out after opening it, or opened it in another browser. Go back, reload the page and try again.',
  },
  foreignForm: {
    title: 'This form comes from another site',
    text: 'Only forms of the dashboard’s own pages are accepted, so nothing was changed. If this was one, set PUBLIC_URL to the address that your browser shows.',
  },
  unreadableForm: {
    title: 'This form could not be read',
    text: 'Go back, reload the page and try again.',
  },
  unavailable: {
    title: 'The database is unavailable',
    text: 'Try again in a moment. Events that were already accepted are safe.',
  },
  broken: {
    title: 'Something went wrong',
    text: 'Try again. If it keeps happening, look for the error in the server’s log.',
  },
} as const satisfies Record<string, ErrorText>;

export const CREDENTIAL_TEXT = {
  wrongPassword: 'Incorrect password.',
  signInAgain: 'To confirm this, sign out, sign in again, and repeat it within 10 minutes.',
  wrongCode: 'This code is incorrect or was already used.',
  unreadableSecret:
    'This server can’t check codes from your app, because its secret key has changed. Use a recovery code, or ask the server’s operator.',
} as const;

/**
 * The page was at an address that this server does not know as its own.
 *
 * @param origins those that it knows
 * @param basePath the path of the public URL
 */
export function unknownOrigin(origin: string, origins: readonly string[], basePath: string): ErrorText {
  return {
    title: 'The server doesn’t know its address',
    text: `Your browser shows this page at ${origin}, but the server sees itself at ${origins.join(' and ')}, so nothing was changed. Set PUBLIC_URL to ${origin}${basePath}. If the proxy in front of the server sends X-Forwarded-Proto and X-Forwarded-Host, setting TRUST_PROXY to its address also works. Then restart the server.`,
  };
}

/** Returns the sentence for a code that was not accepted. */
export function codeProblem(check: 'wrong' | 'unreadable'): string {
  return check === 'wrong' ? CREDENTIAL_TEXT.wrongCode : CREDENTIAL_TEXT.unreadableSecret;
}

/** Creates the error for a change by a user who may only view the site. */
export function noPermission(domain: string): ErrorText {
  return {
    title: 'You don’t have permission',
    text: `You can view ${domain}, but not make this change. Ask the site’s owner.`,
  };
}
