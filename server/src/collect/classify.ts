import { hash } from 'node:crypto';
import { isbot } from 'isbot';
import { hostOfUrl } from '../hosts.ts';
import { BOT_NAMES } from './lists/bots.ts';

/** Longer user agents are nobody's; cut before the bots' pattern runs over them. */
const USER_AGENT_MAX_CHARS = 512;
const REFERRER_MAX_CHARS = 512;

const LISTED_BOTS = BOT_NAMES.map((name) => ({ name, word: name.toLowerCase() }));

/**
 * The name a declared crawler goes by, or null for what looks like a person. An empty user agent is no person's. Nothing of
 * the user agent itself is ever in the answer.
 */
export function botName(userAgent: string): string | null {
  if (userAgent === '') return 'no user agent';
  const said = userAgent.slice(0, USER_AGENT_MAX_CHARS);
  if (!isbot(said)) return null;
  const lowerCase = said.toLowerCase();
  return LISTED_BOTS.find(({ word }) => lowerCase.includes(word))?.name ?? 'other';
}

/**
 * A page's address in the parts that are stored; null where it is no http or https address. Credentials and fragment are
 * dropped.
 */
export function splitPage(address: string): { host: string; path: string } | null {
  const url = URL.parse(address);
  const host = url === null ? null : hostOfUrl(url);
  return url === null || host === null ? null : { host, path: url.pathname + url.search };
}

/** Another site's host and path, without query; null for no referrer, one of the page's own host, or no web address. */
export function externalReferrer(ref: string | undefined, pageHost: string): string | null {
  if (ref === undefined || ref === '') return null;
  const url = URL.parse(ref);
  if (url === null) return null;
  const host = hostOfUrl(url);
  if (host === null || host === pageHost) return null;
  const path = url.pathname === '/' ? '' : url.pathname;
  return (host + path).slice(0, REFERRER_MAX_CHARS);
}

/** A view's pseudonym: a signed 64-bit hash of the id of its page view. */
export function viewHash(id: string): bigint {
  return hash('sha256', Buffer.from(id, 'utf16le'), 'buffer').readBigInt64LE();
}
