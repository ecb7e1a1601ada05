import { MINUTE_MS, SECOND_MS } from '../../domain/clock.ts';
import { digestToken, newId, newToken } from '../../domain/tokens.ts';
import type { Credentials, Session } from '../../store/contract/store.ts';
import { browserLabel } from './browser-label.ts';
import { contextOf } from './context.ts';
import { deviceProof } from './known-device.ts';
import type { Answer, PageRequest, Parts, SessionCookie, SessionLimits, SignedInUser } from './parts.ts';

/** Sessions: the cookie has a random token, and the registry has its hash. */

/** The interval at which a session's last use is updated. It is much shorter than any session may be idle. */
const TOUCH_MS = MINUTE_MS;

type SessionParts = Pick<Parts, 'store' | 'clock' | 'config'>;

/**
 * Starts a session with a new token, which prevents session fixation.
 *
 * @returns null if the password has changed since the credentials were read
 */
async function startSession(
  { store: { registry }, clock, config: { sessions } }: SessionParts,
  { accountId, passwordHash }: Credentials,
  userAgent: string,
): Promise<SessionCookie> {
  const token = newToken();
  const id = newId('ses');
  const now = clock.now();
  await registry.createSession(
    {
      id,
      accountId,
      label: browserLabel(userAgent),
      createdAtMs: now,
      lastSeenAtMs: now,
      expiresAtMs: now + sessions.maxAgeMs,
    },
    digestToken(token),
  );
  // A change of the password ends the sessions that it finds. If this one was too late for that, the new password is seen here.
  if ((await registry.credentialsOf(accountId))?.passwordHash !== passwordHash) {
    await registry.endSession(accountId, id);
    return null;
  }
  return { token, maxAgeSeconds: sessions.maxAgeMs / SECOND_MS };
}

/** Signs an account in, and makes the browser one that it knows. @returns the redirect to a page */
export async function signInTo(
  parts: Parts,
  request: PageRequest,
  credentials: Credentials,
  to: string,
): Promise<Answer> {
  const answer = await renewSession(parts, request, credentials, to);
  if (answer.cookie !== null)
    await contextOf(parts, request).record({ accountId: credentials.accountId, event: 'sign-in' });
  return answer;
}

/**
 * Starts a session for a browser that was signed in, and proved it again.
 *
 * @returns the redirect to a page; to the login, without a session, if the password has changed meanwhile
 */
export async function renewSession(
  parts: SessionParts,
  { userAgent }: Pick<PageRequest, 'userAgent'>,
  credentials: Credentials,
  to: string,
): Promise<Extract<Answer, { kind: 'redirect' }>> {
  const cookie = await startSession(parts, credentials, userAgent);
  if (cookie === null) return { kind: 'redirect', to: '/login', cookie };
  return { kind: 'redirect', to, cookie, device: deviceProof(credentials) };
}

/** Returns the user of a session's token; null if there is no such session, or it has ended. */
export async function userOfSession(
  { store: { registry }, clock, config }: SessionParts,
  token: string | null,
): Promise<SignedInUser | null> {
  if (token === null) return null;
  const now = clock.now();
  const session = await registry.sessionByToken(digestToken(token), now);
  if (session === null || hasEnded(session, config.sessions, now)) return null;
  const account = await registry.accountById(session.accountId);
  return account === null ? null : { account, session };
}

/** Records that a session was used. */
export async function touchSession(
  { store: { registry }, clock }: Pick<Parts, 'store' | 'clock'>,
  { id, lastSeenAtMs }: Session,
): Promise<void> {
  const now = clock.now();
  if (now - lastSeenAtMs >= TOUCH_MS) await registry.touchSession(id, now);
}

/** Returns an account's sessions that have not ended, most recently used first. */
export async function sessionsOf(
  { store: { registry }, clock, config }: SessionParts,
  accountId: string,
): Promise<Session[]> {
  const now = clock.now();
  const sessions = await registry.sessionsOf(accountId, now);
  return sessions.filter((session) => !hasEnded(session, config.sessions, now));
}

/**
 * Whether the limits end a session. They are those in force now, also for sessions that began under others. A session from far in
 * the future has ended, too: the clock was set back, and it must not last until the clock is there again.
 */
function hasEnded(
  { createdAtMs, lastSeenAtMs }: Session,
  { idleMs, maxAgeMs }: SessionLimits,
  nowMs: number,
): boolean {
  return Math.abs(nowMs - lastSeenAtMs) >= idleMs || Math.abs(nowMs - createdAtMs) >= maxAgeMs;
}
