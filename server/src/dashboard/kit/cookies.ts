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

/** Where browsers send the cookies. */
export interface CookieScope {
  /** Whether over HTTPS only. */
  secure: boolean;
  /** The path of the public URL; empty for the whole host. */
  basePath: string;
}

/**
 * Returns the name of a cookie. Over HTTPS it has a prefix that plain connections cannot set, nor other hosts, unless the cookie
 * is for a path: `__Host-` allows none. https://developer.mozilla.org/docs/Web/HTTP/Reference/Headers/Set-Cookie#cookie_prefixes
 */
function nameOf(name: CookieName, { secure, basePath }: CookieScope): string {
  if (!secure) return NAMES[name];
  return `${basePath === '' ? '__Host-' : '__Secure-'}${NAMES[name]}`;
}

/** Reads the cookies of a request. It ignores values that the dashboard cannot have set. */
export function readCookies({ cookies }: Pick<FastifyRequest, 'cookies'>, scope: CookieScope): Cookies {
  const read = (name: CookieName) => {
    const value = cookies[nameOf(name, scope)] ?? '';
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
  scope: CookieScope,
  { value, maxAgeSeconds }: { value: string; maxAgeSeconds?: number },
): void {
  reply.setCookie(nameOf(name, scope), value, {
    ...{ path: scope.basePath || '/', httpOnly: true, sameSite: 'lax', secure: scope.secure },
    ...(maxAgeSeconds === undefined ? {} : { maxAge: maxAgeSeconds }),
  });
}
