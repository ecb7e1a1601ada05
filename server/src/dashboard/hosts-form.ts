import { readDomain } from '../hosts.ts';
import type { Site } from '../store/store.ts';

/** Hosts as people type them, for the list that a site allows besides its own. */

export const EXTRA_HOSTS_MAX = 100;

/** `*.` may stand at the front. Null where it is no host. */
export function readHost(typed: string): string | null {
  const text = typed.trim();
  const wildcard = text.startsWith('*.');
  const host = readDomain(wildcard ? text.slice(2) : text);
  return host === null ? null : wildcard ? `*.${host}` : host;
}

/** The rules of a site with one host more; null where there is no room for it. */
export function withHost({ allowSubdomains, extraHosts }: Site, host: string) {
  const hosts = [...new Set([...extraHosts, host])];
  return hosts.length > EXTRA_HOSTS_MAX ? null : { allowSubdomains, extraHosts: hosts };
}
