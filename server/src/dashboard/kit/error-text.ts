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
  wrongCode: 'This code is incorrect or was already used.',
} as const;

/** Creates the error for a change by a user who may only view the site. */
export function noPermission(domain: string): ErrorText {
  return {
    title: 'You don’t have permission',
    text: `You can view ${domain}, but not make this change. Ask the site’s owner.`,
  };
}
