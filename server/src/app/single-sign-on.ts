import * as oidc from 'openid-client';
import { type Clock, HOUR_MS, MINUTE_MS } from '../domain/clock.ts';
import type { SecretBox } from '../domain/secret-box.ts';
import type { SingleSignOnSettings } from '../domain/single-sign-on.ts';
import type { MemberRole } from '../store/contract/store.ts';
import { readEmail } from './inputs.ts';
import { openTicket, sealTicket } from './tickets.ts';
import { refusal, UseCaseError } from './use-case-error.ts';

/**
 * Single sign-on with OpenID Connect: authorization code flow with PKCE. https://openid.net/specs/openid-connect-core-1_0.html
 *
 * Nothing is stored while a person is at the identity provider. What the answer is checked against (code verifier, nonce, time) is
 * encrypted in the `state`, for the browser that began: an answer that another browser brings, or that no one asked for, does
 * not open. So any server of an instance can finish a sign-in.
 */

/** The path to which the provider sends people back. */
export const CALLBACK_PATH = '/login/sso/callback';

/** How long each request to the provider may take. A sign-in makes at most four. */
const REQUEST_TIMEOUT_SECONDS = 5;
/** How long a person may take at the provider. */
const PENDING_MS = 10 * MINUTE_MS;
/** How long the provider's own description is used before it is read again. */
const DESCRIPTION_MS = HOUR_MS;
/** The longest subject: https://openid.net/specs/openid-connect-core-1_0.html#IDToken */
const SUBJECT_MAX_CHARS = 255;
/** The longest page to return to, since it travels in the URL. */
const NEXT_MAX_CHARS = 500;

/** A person as the provider describes them. */
export interface ProviderPerson {
  /** The issuer and the subject, which together never change. */
  identity: string;
  /** An address that the provider has verified. */
  email: string;
  /** The role on the operator's sites; null for none, undefined if the provider does not decide. */
  role: MemberRole | null | undefined;
}

/** A sign-in while the person is at the provider. */
interface Pending {
  verifier: string;
  nonce: string;
  next: string;
}

type Claims = Readonly<Record<string, unknown>>;

export class SingleSignOn {
  readonly settings: SingleSignOnSettings;
  readonly #redirectUri: string;
  readonly #clock: Clock;
  readonly #tickets: { secretBox: SecretBox; clock: Clock };
  readonly #onFailure: (error: unknown) => void;
  readonly #timeoutSeconds: number;
  #description: { config: Promise<oidc.Configuration>; endsMs: number } | null = null;

  /** @param onFailure called with what the operator should know: the provider fails, or its answer is not valid */
  constructor(parts: {
    settings: SingleSignOnSettings;
    publicUrl: string;
    secretBox: SecretBox;
    clock: Clock;
    onFailure: (error: unknown) => void;
    timeoutSeconds?: number;
  }) {
    this.settings = parts.settings;
    this.#redirectUri = `${parts.publicUrl}${CALLBACK_PATH}`;
    this.#clock = parts.clock;
    this.#tickets = { secretBox: parts.secretBox, clock: parts.clock };
    this.#onFailure = parts.onFailure;
    this.#timeoutSeconds = parts.timeoutSeconds ?? REQUEST_TIMEOUT_SECONDS;
  }

  /**
   * Begins a sign-in.
   *
   * @param browser a random text that only this browser has
   * @param next the page to open afterwards
   * @returns the URL to send the browser to
   * @throws UseCaseError `SSO_UNAVAILABLE`
   */
  async begin(browser: string, next: string): Promise<string> {
    const pending: Pending = {
      verifier: oidc.randomPKCECodeVerifier(),
      nonce: oidc.randomNonce(),
      next: next.length > NEXT_MAX_CHARS ? '/dashboard' : next,
    };
    return this.#explained(async () => {
      const config = await this.#discovered();
      return oidc.buildAuthorizationUrl(config, {
        ...{ redirect_uri: this.#redirectUri, scope: this.settings.scopes, response_type: 'code' },
        code_challenge: await oidc.calculatePKCECodeChallenge(pending.verifier),
        code_challenge_method: 'S256',
        nonce: pending.nonce,
        state: sealTicket(this.#tickets, pending, { owner: ownerOf(browser), lastsMs: PENDING_MS }),
      }).href;
    });
  }

  /**
   * Finishes a sign-in with the provider's answer.
   *
   * @param query the parameters with which the browser came back
   * @throws UseCaseError `SSO_EXPIRED`, `SSO_DENIED`, `SSO_UNAVAILABLE`, `SSO_INVALID`, `SSO_EMAIL_UNVERIFIED`
   */
  async finish(
    browser: string | null,
    query: URLSearchParams,
  ): Promise<{ person: ProviderPerson; next: string }> {
    const state = query.get('state') ?? '';
    const pending = browser === null ? null : openTicket<Pending>(this.#tickets, state, ownerOf(browser));
    if (pending === null) throw refusal('SSO_EXPIRED');
    const claims = await this.#explained(() => this.#claims(pending, state, query));
    return { person: this.#personOf(claims), next: pending.next };
  }

  async #claims({ verifier, nonce }: Pending, state: string, query: URLSearchParams): Promise<Claims> {
    const config = await this.#discovered();
    const tokens = await oidc.authorizationCodeGrant(config, new URL(`${this.#redirectUri}?${query}`), {
      ...{ pkceCodeVerifier: verifier, expectedNonce: nonce, expectedState: state },
      idTokenExpected: true,
    });
    const claims: Claims = { ...tokens.claims() };
    const { roles } = this.settings;
    const isWhole = claims.email !== undefined && (roles === null || claims[roles.claim] !== undefined);
    // Providers may leave out of the token what they tell on request.
    if (isWhole || config.serverMetadata().userinfo_endpoint === undefined) return claims;
    const more: Claims = await oidc.fetchUserInfo(config, tokens.access_token, String(claims.sub));
    // An address and whether it is verified belong together.
    const { email, email_verified } = claims.email === undefined ? more : claims;
    return { ...more, ...claims, email, email_verified };
  }

  #personOf(claims: Claims): ProviderPerson {
    const { iss, sub, email, email_verified } = claims;
    if (typeof iss !== 'string' || typeof sub !== 'string' || sub.length > SUBJECT_MAX_CHARS)
      throw refusal('SSO_INVALID');
    if (typeof email !== 'string' || email_verified !== true) throw refusal('SSO_EMAIL_UNVERIFIED');
    return { identity: `${iss} ${sub}`, email: readEmail(email), role: this.#roleOf(claims) };
  }

  #roleOf(claims: Claims): ProviderPerson['role'] {
    const { roles } = this.settings;
    if (roles === null) return undefined;
    const claim = claims[roles.claim];
    const values: readonly unknown[] = Array.isArray(claim) ? claim : [claim];
    const hasOne = (named: readonly string[]) => named.some((value) => values.includes(value));
    if (hasOne(roles.admins)) return 'admin';
    return hasOne(roles.viewers) ? 'viewer' : null;
  }

  /** Returns what the provider says about itself. A failure is not kept. */
  #discovered(): Promise<oidc.Configuration> {
    const now = this.#clock.now();
    if (this.#description !== null && this.#description.endsMs > now) return this.#description.config;
    const { issuer, clientId, clientSecret } = this.settings;
    const config = oidc.discovery(new URL(issuer), clientId, clientSecret, undefined, {
      timeout: this.#timeoutSeconds,
      // Also checks the signature of tokens that come from the provider directly.
      execute: [
        oidc.enableNonRepudiationChecks,
        ...(issuer.startsWith('http:') ? [oidc.allowInsecureRequests] : []),
      ],
    });
    const description = { config, endsMs: now + DESCRIPTION_MS };
    this.#description = description;
    config.catch(() => {
      if (this.#description === description) this.#description = null;
    });
    return config;
  }

  /** Converts failures of the provider into errors for people. */
  async #explained<Result>(work: () => Promise<Result>): Promise<Result> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof UseCaseError) throw error;
      if (error instanceof oidc.AuthorizationResponseError && error.error === 'access_denied')
        throw refusal('SSO_DENIED');
      this.#onFailure(error);
      throw refusal(isOutage(error) ? 'SSO_UNAVAILABLE' : 'SSO_INVALID');
    }
  }
}

function ownerOf(browser: string): string {
  return `single sign-on in browser ${browser}`;
}

/** Whether a request failed because the provider is down, rather than because of what it answered. */
function isOutage(error: unknown): boolean {
  if (error instanceof oidc.AuthorizationResponseError)
    return ['server_error', 'temporarily_unavailable'].includes(error.error);
  if (!(error instanceof Error)) return false;
  const { cause } = error;
  if (cause instanceof Response) return cause.status >= 500;
  // `fetch` rejects with a TypeError if there is no connection.
  return error instanceof TypeError || ('code' in error && error.code === 'OAUTH_TIMEOUT');
}
