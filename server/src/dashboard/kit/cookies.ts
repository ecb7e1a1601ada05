import type { FastifyReply, FastifyRequest } from 'fastify';

/** The dashboard's cookies: random texts and hashes. Scripts cannot read them, and forms of other sites cannot send them. */

const NAMES = {
  /** The session of a signed-in user. */
  session: 'attractos_session',
  /** A random text that binds forms before sign-in. */
  visit: 'attractos_visit',
  /** Proof that the password of a public link was entered. */
  unlock: 'attractos_unlock',
  /** Proof that an account was signed in to from this browser. */
  device: 'attractos_device',
} as const;

type CookieName = keyof typeof NAMES;
type Cookies = Record<CookieName, string | null>;

/** Matches a cookie value: 256 bits as base64url. */
const VALUE = /^[A-Za-z0-9_-]{43}$/;

/** Returns the name of a cookie. Over HTTPS it has a prefix that other hosts and plain connections cannot set. */
function nameOf(name: CookieName, secure: boolean): string {
  return secure ? `__Host-${NAMES[name]}` : NAMES[name];
}

/** Reads the cookies of a request. It ignores values that the dashboard cannot have set. */
export function readCookies({ cookies }: Pick<FastifyRequest, 'cookies'>, secure: boolean): Cookies {
  const read = (name: CookieName) => {
    const value = cookies[nameOf(name, secure)] ?? '';
    return VALUE.test(value) ? value : null;
  };
  return {
    session: read('session'),
    visit: read('visit'),
    unlock: read('unlock'),
    device: read('device'),
  };
}

/** Sets a cookie. Without a lifetime, it lasts until the browser closes; a lifetime of 0 seconds deletes it. */
export function setCookie(
  reply: FastifyReply,
  name: CookieName,
  { value, secure, maxAgeSeconds }: { value: string; secure: boolean; maxAgeSeconds?: number },
): void {
  reply.setCookie(nameOf(name, secure), value, {
    ...{ path: '/', httpOnly: true, sameSite: 'lax', secure },
    ...(maxAgeSeconds === undefined ? {} : { maxAge: maxAgeSeconds }),
  });
}
