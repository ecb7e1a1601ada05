import { SECURITY_LOG_DAYS } from '../../app/security-log.ts';
import type { SecurityDetails, SecurityEvent } from '../../domain/security-events.ts';
import { isolated } from '../kit/format.ts';

/** The texts of the account's activity. */
export const ACTIVITY_TEXT = {
  title: 'Account activity',
  lead: `Sign-ins, and changes to your account, your sites’ access and your keys, in the last ${SECURITY_LOG_DAYS} days. Something you don’t recognize? Change your password, which signs out all other sessions.`,
  times: (zone: string) => `Times are in ${zone}.`,
  account: 'Account',
  none: 'No activity yet',
  older: 'Older activity',
  newest: 'Latest activity',
  unknownCountry: 'Unknown country',
  commandLine: 'By the server’s operator, on the command line',
  by: (email: string) => `By ${isolated(email)}`,
  bySomeoneGone: 'By an account that no longer exists',
  repeated: (count: number, since: string) => `${count} times since ${since}`,
} as const;

/** Returns the words for what an event is about, with a fallback that reads well. */
function words({ site, name, role, email }: SecurityDetails) {
  return {
    site: isolated(site ?? 'a site'),
    name: isolated(name ?? 'without a name'),
    role: role ?? 'member',
    email: isolated(email ?? 'someone'),
  };
}

type Words = ReturnType<typeof words>;

const SENTENCES: Readonly<Record<SecurityEvent, (of: Words) => string>> = {
  'account-created': () => 'Account created',
  'account-removed': () => 'Account deleted',
  'sign-in': () => 'Signed in',
  'sign-in-failed': () => 'Sign-in failed: incorrect password',
  'sign-in-throttled': () => 'Too many attempts: sign-in paused for a few minutes',
  'second-factor-failed': () => 'Sign-in failed: correct password, incorrect code',
  'confirmation-failed': () => 'Change refused: incorrect password or code',
  'sign-out': () => 'Signed out',
  'sessions-ended': () => 'Other sessions signed out',
  'password-changed': () => 'Password changed',
  'password-reset': () => 'Password reset with a link',
  'reset-link-created': () => 'Password reset link created',
  'email-changed': ({ email }) => `Email address changed to ${email}`,
  'second-factor-on': () => 'Two-factor authentication turned on',
  'second-factor-off': () => 'Two-factor authentication turned off',
  'recovery-code-used': () => 'Recovery code used',
  'single-sign-on-linked': () => 'Linked to single sign-on',
  'single-sign-on-unlinked': () => 'Unlinked from single sign-on',
  'site-added': ({ site }) => `Site ${site} added`,
  'site-removed': ({ site }) => `Site ${site} deleted`,
  'site-key-rotated': ({ site }) => `Key of ${site} rotated`,
  'site-key-retired': ({ site }) => `Old key of ${site} retired`,
  'api-key-created': ({ name }) => `API key “${name}” created`,
  'api-key-revoked': ({ name }) => `API key “${name}” revoked`,
  'share-created': ({ site, name }) => `Public link “${name}” to ${site} created`,
  'share-removed': ({ site, name }) => `Public link “${name}” to ${site} removed`,
  'member-invited': ({ site, role, email }) => `${email} invited to ${site} (${role})`,
  'invitation-withdrawn': ({ site, email }) => `Invitation of ${email} to ${site} withdrawn`,
  'member-joined': ({ site, role, email }) => `${email} joined ${site} (${role})`,
  'member-removed': ({ site, email }) => `${email} removed from ${site}`,
  'access-granted': ({ site, role }) => `You joined ${site} (${role})`,
  'access-removed': ({ site }) => `You were removed from ${site}`,
};

/** Describes an event. */
export function sentenceOf(event: SecurityEvent, details: SecurityDetails): string {
  return SENTENCES[event](words(details));
}
