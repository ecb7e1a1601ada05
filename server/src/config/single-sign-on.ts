import type { SingleSignOnSettings } from '../domain/single-sign-on.ts';
import { listOf } from './setting.ts';

/** Matches an email domain in ASCII. */
const DOMAIN = /^[a-z0-9-]+(\.[a-z0-9-]+)+$/;
/** Matches the hosts of this machine, to which http is safe. */
const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/;

interface Said {
  OIDC_ISSUER: string;
  OIDC_CLIENT_ID: string;
  OIDC_CLIENT_SECRET: string;
  OIDC_SCOPES: string;
  OIDC_DOMAINS: string;
  OIDC_ROLE_CLAIM: string;
  OIDC_ADMINS: string;
  OIDC_VIEWERS: string;
  OIDC_ONLY: 'off' | 'on';
}

/** The settings that mean nothing without a provider. */
const NEED_ISSUER = [
  ...(['OIDC_CLIENT_ID', 'OIDC_CLIENT_SECRET', 'OIDC_DOMAINS'] as const),
  ...(['OIDC_ROLE_CLAIM', 'OIDC_ADMINS', 'OIDC_VIEWERS'] as const),
] as const;

/** Reads the settings of single sign-on. @returns null if it is off; an error sentence if a setting is invalid */
export function readSingleSignOn(said: Said, publicUrl: string | null): SingleSignOnSettings | null | string {
  const { OIDC_ISSUER: issuer, OIDC_SCOPES: scopes, OIDC_ONLY: only } = said;
  if (issuer === '') {
    const name = only === 'on' ? 'OIDC_ONLY' : NEED_ISSUER.find((each) => said[each] !== '');
    return name === undefined ? null : `OIDC_ISSUER must be set if ${name} is set.`;
  }
  for (const name of ['OIDC_CLIENT_ID', 'OIDC_CLIENT_SECRET'] as const)
    if (said[name] === '') return `${name} must be set if OIDC_ISSUER is set.`;
  if (publicUrl === null)
    return 'PUBLIC_URL must be set if OIDC_ISSUER is set, because the identity provider sends people back to it.';
  const url = URL.parse(issuer);
  const isSafe = url?.protocol === 'https:' || (url?.protocol === 'http:' && LOOPBACK.test(url.hostname));
  if (url === null || !isSafe || url.username !== '' || url.search !== '' || url.hash !== '')
    return `OIDC_ISSUER must be an https URL without parameters (http only on this machine); got "${issuer}".`;
  const domains = listOf(said.OIDC_DOMAINS).map((domain) => domain.toLowerCase());
  const wrong = domains.find((domain) => !DOMAIN.test(domain));
  if (wrong !== undefined) return `OIDC_DOMAINS must list domains such as example.com; got "${wrong}".`;
  const [claim, admins, viewers] = [
    said.OIDC_ROLE_CLAIM,
    listOf(said.OIDC_ADMINS),
    listOf(said.OIDC_VIEWERS),
  ];
  const hasValues = admins.length + viewers.length > 0;
  if (hasValues && claim === '') return 'OIDC_ROLE_CLAIM must be set if OIDC_ADMINS or OIDC_VIEWERS is set.';
  if (!hasValues && claim !== '') return 'OIDC_ADMINS or OIDC_VIEWERS must be set if OIDC_ROLE_CLAIM is set.';
  return {
    ...{ issuer, scopes, domains, only: only === 'on' },
    clientId: said.OIDC_CLIENT_ID,
    clientSecret: said.OIDC_CLIENT_SECRET,
    roles: claim === '' ? null : { claim, admins, viewers },
  };
}
