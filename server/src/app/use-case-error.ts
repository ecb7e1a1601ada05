import { RegistryConflict } from '../store/contract/store.ts';

/**
 * The errors of use cases: a code for programs, and a sentence for people. The command line prints both; a page shows the
 * sentence beside the field.
 */
const SENTENCES = {
  INVALID_EMAIL: () => 'Enter a valid email address.',
  INVALID_PASSWORD: (min: number, max: number) => `Use a password of ${min} to ${max} characters.`,
  GUESSABLE_PASSWORD: () => 'This password is easy to guess. Use a longer or less common one.',
  INVALID_PLAN: (plan: string, plans: readonly string[]) =>
    `There is no plan "${plan}". Choose from: ${plans.join(', ')}.`,
  INVALID_TIME_ZONE: (zone: string) =>
    `"${zone}" is not a time zone. Use an IANA name such as Europe/Berlin.`,
  INVALID_NAME: (max: number) => `Enter a name of 1 to ${max} characters.`,
  INVALID_SCOPE: (scope: string, scopes: readonly string[]) =>
    `There is no scope "${scope}". Choose from: ${scopes.join(', ')}.`,
  INVALID_DAYS: (max: number) => `Enter a whole number of days from 1 to ${max}.`,
  INVALID_DOMAIN: (typed: string, examples: string) =>
    typed === ''
      ? `Enter a domain, such as ${examples}.`
      : `"${typed}" is not a domain. Enter one such as ${examples}.`,
  INVALID_GOAL: (sentence: string) => sentence,
  INVALID_DATE: () => 'Enter a date, such as 2026-05-14.',
  INVALID_ANNOTATION: (max: number) => `Enter a note of 1 to ${max} characters.`,
  INVALID_SAVED_QUERY: (sentence: string) => sentence,
  INVALID_EXCLUDED_PAGES: (sentence: string) => sentence,
  INVALID_EXCLUDED_COUNTRIES: (sentence: string) => sentence,
  INVALID_EXCLUDED_ADDRESSES: (sentence: string) => sentence,
  INVALID_EXCLUDED_REFERRERS: (sentence: string) => sentence,
  INVALID_EXCLUDED_HOSTS: (sentence: string) => sentence,
  INVALID_EXCLUDED_AGENTS: (sentence: string) => sentence,
  ACCOUNT_NOT_FOUND: (email: string) => `There is no account with the email address "${email}".`,
  SITE_NOT_FOUND: (id: string) => `There is no site with the id "${id}".`,
  KEY_NOT_FOUND: (key: string) => `There is no key "${key}".`,
  SAVED_QUERY_NOT_FOUND: (noun: string, id: string) => `The site has no ${noun} with the id "${id}".`,
  SAVED_NAME_TAKEN: (noun: string, name: string, isTeam: boolean) =>
    `${isTeam ? 'The team already has' : 'You already have'} a ${noun} with the name “${name}”.`,
  EMAIL_TAKEN: (email: string) => `There is already an account with the email address ${email}.`,
  DOMAIN_TAKEN: (domain: string) => `This account already has a site for ${domain}.`,
  SITE_LIMIT_REACHED: (domain: string, limit: number, plan: string) =>
    `All ${limit} sites of the ${plan} plan are in use, so ${domain} was not added.`,
  KEY_LIMIT_REACHED: (max: number) =>
    `A site can have at most ${max} keys over its life, retired ones included.`,
  CURRENT_KEY: () => 'This is the current key of its site. Rotate the key first, then retire this one.',
  TOO_MANY_HOSTS: (max: number) => `At most ${max} hosts can be listed.`,
  TOO_MANY_GOALS: (max: number) => `A site can have at most ${max} goals.`,
  TOO_MANY_ANNOTATIONS: (max: number) => `A site can have at most ${max} notes.`,
  TOO_MANY_SAVED_QUERIES: (max: number, noun: string, isTeam: boolean) =>
    `${isTeam ? 'The team' : 'You'} can save at most ${max} ${noun}s for a site. Delete one first.`,
  TOO_MANY_SHARES: (max: number) => `A site can have at most ${max} public links.`,
  PASSWORD_IN_FRAME: () =>
    'A link with a password cannot be embedded, because browsers keep its cookie out of frames.',
  TOO_MANY_MEMBERS: (max: number) =>
    `A site can be shared with at most ${max} people, including those invited.`,
  SSO_UNAVAILABLE: () =>
    'Single sign-on is unavailable, because the identity provider does not answer. Try again in a few minutes.',
  SSO_DENIED: () => 'Your identity provider did not let you sign in here. Ask its administrator for access.',
  SSO_EXPIRED: () => 'This sign-in took too long, or began in another browser. Try again.',
  SSO_INVALID: () =>
    'The answer of the identity provider is not valid. Try again. If it keeps happening, ask the operator of this server.',
  SSO_EMAIL_UNVERIFIED: () =>
    'Your identity provider has not verified your email address. Verify it there, then try again.',
  SSO_DOMAIN: (email: string) =>
    `${email} may not sign in here, because of its domain. Use your work account, or ask the operator of this server.`,
  SSO_NO_ACCOUNT: (email: string) => `There is no account for ${email}. Ask for an invitation.`,
  SSO_OTHER_PERSON: (email: string) =>
    `The account ${email} belongs to another person at your identity provider. Ask the operator of this server.`,
} as const satisfies Record<string, (...details: never[]) => string>;

export type UseCaseCode = keyof typeof SENTENCES;

/** An error of a use case, with a sentence for the user. */
export class UseCaseError extends Error {
  override readonly name = 'UseCaseError';
  readonly code: UseCaseCode;

  constructor(code: UseCaseCode, sentence: string) {
    super(sentence);
    this.code = code;
  }
}

/** Creates the error for a code, with the details that its sentence needs. */
export function refusal<Code extends UseCaseCode>(
  code: Code,
  ...details: Parameters<(typeof SENTENCES)[Code]>
): UseCaseError {
  const sentence: (...details: never[]) => string = SENTENCES[code];
  return new UseCaseError(code, sentence(...(details as never[]))); // checked by the parameter's type
}

/** Returns a result of the registry, and converts the given conflicts to use case errors. */
export async function refusingConflicts<Result>(
  result: Promise<Result>,
  refusals: Partial<Record<RegistryConflict['reason'], () => UseCaseError>>,
): Promise<Result> {
  try {
    return await result;
  } catch (error) {
    throw (error instanceof RegistryConflict && refusals[error.reason]?.()) || error;
  }
}
