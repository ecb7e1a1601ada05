import { type Clock, DAY_MS, MINUTE_MS } from '../../domain/clock.ts';
import { digestToken, newId, newToken } from '../../domain/tokens.ts';
import { readAgent } from '../../domain/user-agents/read-agent.ts';
import type { Registry, Session } from '../../store/contract/store.ts';
import type { SessionCookie, SignedInUser } from './parts.ts';

/** Sessions: the cookie has a random token, and the registry has its hash. */

const SESSION_DAYS = 30;
/** The interval at which a session's last use is updated. */
const TOUCH_MS = 15 * MINUTE_MS;

/** Starts a session with a new token, which prevents session fixation. */
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

/** Returns the user of a session's token; null if the session is not valid. */
export async function userOfSession(
  { registry, clock }: { registry: Registry; clock: Clock },
  token: string | null,
): Promise<SignedInUser | null> {
  if (token === null) return null;
  const now = clock.now();
  const session: Session | null = await registry.sessionByToken(digestToken(token), now);
  if (session === null) return null;
  const account = await registry.accountById(session.accountId);
  if (account === null) return null;
  if (now - session.lastSeenAtMs >= TOUCH_MS) await registry.touchSession(session.id, now);
  return { account, session };
}

/** Returns a label by which users recognize their browser. Nothing else of its user agent is stored. */
function browserLabel(userAgent: string): string {
  const agent = readAgent(userAgent);
  const { browser, os } = agent.crawler === null ? agent : { browser: null, os: null };
  if (browser === null && os === null) return 'Unknown browser';
  return [browser ?? 'Browser', os].filter((name) => name !== null).join(' on ');
}
