import { createPrivateKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import Provider from 'oidc-provider';
import { ask } from './http.ts';

/** A real identity provider (oidc-provider) on this machine, at which one person is signed in, and which misbehaves on request. */

export const CLIENT = { id: 'attractos', secret: 'client-secret-of-the-tests' };

export type Claims = Readonly<Record<string, unknown>>;

export interface IdentityProvider {
  issuer: string;
  /** The person who uses the browser, by their claims. */
  person: Claims & { sub: string };
  behavior: 'works' | 'denies' | 'fails' | 'silent';
  /** If set, tokens are made up: signed with the provider's key unless another is given. */
  forge: { claims: Claims; key?: KeyObject } | null;
  /**
   * Follows the redirects of a browser from the URL that begins a sign-in.
   *
   * @returns the URL at which the browser comes back
   */
  visit(url: string): Promise<URL>;
  close(): Promise<void>;
}

const KID = 'key-of-the-tests';
const REDIRECTS_MAX = 10;

/** @param callback the URL to which people are sent back */
export async function startIdentityProvider(callback: string): Promise<IdentityProvider> {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  let nonce: string | null = null;
  const provider = new Provider(issuer, {
    clients: [{ client_id: CLIENT.id, client_secret: CLIENT.secret, redirect_uris: [callback] }],
    jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), kid: KID, alg: 'RS256', use: 'sig' }] },
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['groups'] },
    cookies: { keys: ['keys of the tests'] },
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_context, { uid }) => `/interaction/${uid}` },
    ttl: { AccessToken: 60, AuthorizationCode: 60, Grant: 60, IdToken: 60, Interaction: 60, Session: 60 },
    findAccount: (_context, accountId) => ({ accountId, claims: async () => made.person }),
    async loadExistingGrant({ oidc }) {
      const { accountId } = oidc.session;
      const grant = new oidc.provider.Grant({ clientId: oidc.client.clientId, accountId });
      grant.addOIDCScope('openid email profile');
      await grant.save();
      return grant;
    },
    pkce: { required: () => true },
  });
  const answer = provider.callback();
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    const url = new URL(request.url ?? '', issuer);
    nonce = url.searchParams.get('nonce') ?? nonce;
    if (made.behavior === 'silent') return;
    if (made.behavior === 'fails') response.writeHead(500).end();
    else if (made.forge !== null && url.pathname === '/token') sendForged(response, made.forge);
    else if (url.pathname.startsWith('/interaction/'))
      void provider.interactionFinished(
        request,
        response,
        made.behavior === 'denies' ? { error: 'access_denied' } : { login: { accountId: made.person.sub } },
      );
    else answer(request, response);
  });

  function sendForged(
    response: ServerResponse,
    { claims, key = privateKey }: { claims: Claims; key?: KeyObject },
  ) {
    const now = Math.floor(Date.now() / 1000);
    const all = {
      ...{ iss: issuer, aud: CLIENT.id, iat: now, exp: now + 60, nonce, email_verified: true },
      ...made.person,
      ...claims,
    };
    const signed = [{ alg: 'RS256', kid: KID }, all]
      .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
      .join('.');
    const signature = sign(
      'sha256',
      Buffer.from(signed),
      createPrivateKey(key.export({ type: 'pkcs8', format: 'pem' })),
    );
    response.writeHead(200, { 'content-type': 'application/json' }).end(
      JSON.stringify({
        ...{ access_token: 'token', token_type: 'Bearer', expires_in: 60 },
        id_token: `${signed}.${signature.toString('base64url')}`,
      }),
    );
  }

  const made: IdentityProvider = {
    ...{ issuer, person: { sub: 'nobody' }, behavior: 'works', forge: null },
    async visit(start) {
      const cookies = new Map<string, string>();
      let url = new URL(start);
      for (let i = 0; i < REDIRECTS_MAX; i++) {
        if (url.origin !== issuer) return url;
        const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
        const { headers, status, text } = await ask(issuer, {
          ...{ path: `${url.pathname}${url.search}`, headers: { cookie } },
        });
        for (const line of headers['set-cookie'] ?? []) {
          const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
          cookies.set(name, value);
        }
        if (headers.location === undefined) throw new Error(`the provider answered ${status}: ${text}`);
        url = new URL(headers.location, issuer);
      }
      throw new Error('the provider redirects without end');
    },
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
  return made;
}
