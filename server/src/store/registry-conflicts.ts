import { RegistryConflict, SITE_KEYS_MAX } from './store.ts';

/** Why a registry does not do what it was asked: the same words from every engine. */

export function emailTaken(email: string): RegistryConflict {
  return new RegistryConflict('email-taken', `There is an account with the e-mail address ${email} already.`);
}

export function siteLimit(limit: number): RegistryConflict {
  return new RegistryConflict(
    'site-limit',
    `This plan has room for ${limit} sites, and they are all in use.`,
  );
}

export function domainTaken(domain: string): RegistryConflict {
  return new RegistryConflict('domain-taken', `This account has a site for ${domain} already.`);
}

export function lastKey(): RegistryConflict {
  return new RegistryConflict('last-key', 'This is the current key of its site. Make a new one first.');
}

export function keyLimit(): RegistryConflict {
  return new RegistryConflict(
    'key-limit',
    `A site has at most ${SITE_KEYS_MAX} keys over its life, retired ones included. Make a new site.`,
  );
}
