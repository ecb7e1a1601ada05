/**
 * What the security log records: sign-ins, and changes of whatever gives access. Each event concerns one account, except for
 * attempts at accounts that do not exist.
 */
export const SECURITY_EVENTS = [
  ...['account-created', 'account-removed'],
  ...['sign-in', 'sign-in-failed', 'sign-in-throttled', 'second-factor-failed', 'confirmation-failed'],
  ...['sign-out', 'sessions-ended'],
  ...['password-changed', 'password-reset', 'reset-link-created', 'email-changed'],
  ...['second-factor-on', 'second-factor-off', 'recovery-code-used'],
  ...['single-sign-on-linked', 'single-sign-on-unlinked'],
  ...['site-added', 'site-removed', 'site-key-rotated', 'site-key-retired'],
  ...['api-key-created', 'api-key-revoked', 'share-created', 'share-removed'],
  ...['member-invited', 'invitation-withdrawn', 'member-joined', 'member-removed'],
  ...['access-granted', 'access-removed'],
] as const;

export type SecurityEvent = (typeof SECURITY_EVENTS)[number];

/** What an event is about, as far as it has such a thing. It has no secrets, and no whole address of a person without an account. */
export interface SecurityDetails {
  /** The domain of the site. */
  site?: string;
  /** The name of the API key or the public link. */
  name?: string;
  role?: string;
  /** The email address, shortened by `maskedEmail`. */
  email?: string;
}

/** The events that strangers can cause as often as they like. Those of a day are one entry, so that they displace no other. */
const REPEATED: readonly SecurityEvent[] = [
  ...(['sign-in-failed', 'sign-in-throttled', 'second-factor-failed', 'confirmation-failed'] as const),
  'reset-link-created',
];

/** Whether an event is counted in one entry a day. */
export function isRepeated(event: SecurityEvent): boolean {
  return REPEATED.includes(event);
}

/** Shortens an email address so that those who know it recognize it: `a…@example.com`. */
export function maskedEmail(email: string): string {
  const at = email.lastIndexOf('@');
  const [first = ''] = email;
  return `${at > 0 ? first : ''}…${email.slice(at)}`;
}
