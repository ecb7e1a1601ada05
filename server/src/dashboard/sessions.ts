import { hash } from 'node:crypto';
import { type Clock, DAY_MS, MINUTE_MS } from '../clock.ts';
import type { Registry, Session } from '../store/store.ts';
import { digestToken, newId, newToken } from '../tokens.ts';
import type { Person, SessionCookie } from './parts.ts';

/** Sessions: a random token in a cookie, its hash in the registry. */

const SESSION_DAYS = 30;
/** How exactly a session's last use is kept. */
const TOUCH_MS = 15 * MINUTE_MS;
/** Before anybody signed in: a random text that forms are bound to. */
const VISIT = 'attractos_visit';
const SESSION = 'attractos_session';
const UNLOCK = 'attractos_unlock';
const UNLOCK_SECONDS = 86_400;
const TOKEN = /^[A-Za-z0-9_-]{43}$/;

/** Signs somebody in with a token that did not exist before, so that nobody could have planted it. */
export async function startSession(
  { registry, clock }: { registry: Registry; clock: Clock },
  accountId: string,
  userAgent: string,
): Promise<SessionCookie> {
  const token = newToken();
  const now = clock.now();
  await registry.createSession(
    {
      id: newId('ses'),
      accountId,
      label: browserLabel(userAgent),
      createdAtMs: now,
      lastSeenAtMs: now,
      expiresAtMs: now + SESSION_DAYS * DAY_MS,
    },
    digestToken(token),
  );
  return { token, maxAgeSeconds: SESSION_DAYS * 86_400 };
}

/** Who a session's token speaks for, or null. */
export async function personOf(
  { registry, clock }: { registry: Registry; clock: Clock },
  token: string | null,
): Promise<Person | null> {
  if (token === null) return null;
  const now = clock.now();
  const session: Session | null = await registry.sessionByToken(digestToken(token), now);
  if (session === null) return null;
  const account = await registry.accountById(session.accountId);
  if (account === null) return null;
  if (now - session.lastSeenAtMs >= TOUCH_MS) await registry.touchSession(session.id, now);
  return { account, session };
}

/** Two words to recognise a browser by: all that is kept of its user agent. */
export function browserLabel(userAgent: string): string {
  const find = (names: readonly (readonly [RegExp, string])[]) =>
    names.find(([pattern]) => pattern.test(userAgent))?.[1];
  const browser = find([
    [/Edg\//, 'Edge'],
    [/OPR\//, 'Opera'],
    [/Firefox\//, 'Firefox'],
    [/Chrome\//, 'Chrome'],
    [/Safari\//, 'Safari'],
  ]);
  const system = find([
    [/iPhone|iPad/, 'iOS'],
    [/Android/, 'Android'],
    [/Mac OS X/, 'macOS'],
    [/Windows/, 'Windows'],
    [/CrOS/, 'ChromeOS'],
    [/Linux/, 'Linux'],
  ]);
  return browser === undefined && system === undefined
    ? 'Unknown browser'
    : [browser ?? 'Browser', system].filter(Boolean).join(' on ');
}

/** Names of our cookies. Over https they carry a prefix that no other host and no plain connection can set. */
function cookieName(name: string, secure: boolean): string {
  return secure ? `__Host-${name}` : name;
}

function readCookie(header: string | undefined, name: string): string | null {
  for (const part of (header ?? '').split(';')) {
    const at = part.indexOf('=');
    if (at === -1 || part.slice(0, at).trim() !== name) continue;
    const value = part.slice(at + 1).trim();
    if (TOKEN.test(value)) return value;
  }
  return null;
}

export interface Cookies {
  session: string | null;
  visit: string | null;
  unlock: string | null;
}

export function readCookies(header: string | undefined, secure: boolean): Cookies {
  return {
    session: readCookie(header, cookieName(SESSION, secure)),
    visit: readCookie(header, cookieName(VISIT, secure)),
    unlock: readCookie(header, cookieName(UNLOCK, secure)),
  };
}

const attributes = (secure: boolean) => `Path=/; HttpOnly; SameSite=Lax${secure ? '; Secure' : ''}`;

export function sessionCookie(cookie: SessionCookie, secure: boolean): string {
  return `${cookieName(SESSION, secure)}=${cookie?.token ?? ''}; Max-Age=${cookie?.maxAgeSeconds ?? 0}; ${attributes(secure)}`;
}

export function visitCookie(token: string, secure: boolean): string {
  return `${cookieName(VISIT, secure)}=${token}; ${attributes(secure)}`;
}

export function unlockCookie(value: string, secure: boolean): string {
  return `${cookieName(UNLOCK, secure)}=${value}; Max-Age=${UNLOCK_SECONDS}; ${attributes(secure)}`;
}

/** The token that the forms of a session, or of a visit before it, must carry. */
export function csrfToken(secret: string): string {
  return hash('sha256', `form ${secret}`, 'base64url');
}
