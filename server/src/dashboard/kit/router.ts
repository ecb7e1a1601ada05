import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { isOperator, may, roleOf, type SiteAction } from '../../app/access.ts';
import { sitesSeenBy } from '../../app/sites.ts';
import { shownDomain } from '../../domain/hosts.ts';
import { newToken } from '../../domain/tokens.ts';
import { basePathOf, withBasePath } from '../../http/base-path.ts';
import { clientGone } from '../../http/client-gone.ts';
import { requestOrigin } from '../../http/request-origin.ts';
import { isMissing } from './answers.ts';
import { Background } from './background.ts';
import { type CookieScope, readCookies, setCookie } from './cookies.ts';
import { formToken, formTokenFits, isOrigin, isSameOrigin } from './csrf.ts';
import { errorPage } from './error.tsx';
import { ERROR_TEXT, type ErrorText, noPermission, unknownOrigin } from './error-text.ts';
import {
  type Answer,
  NotFound,
  type PageRequest,
  type Parts,
  type SignedInRequest,
  type SignedInUser,
  type SitePageRequest,
  type SiteRequest,
} from './parts.ts';
import { touchSession, userOfSession } from './sessions.ts';
import { Streams } from './stream.ts';

type Method = 'GET' | 'POST';
type Handler<V> = (visit: V) => Promise<Answer>;
/** The access that a route requires: none, a signed-in user, the operator, or a permission for the site in its path. */
export type Need = 'anyone' | 'user' | 'operator' | SiteAction;

/** The number of sites that a page of a site offers to switch to: those that have a digit as their key. */
const SITES_TO_SWITCH_TO = 9;
/** How long a browser can open a public link without entering its password again. */
const UNLOCK_SECONDS = 86_400;
/** The time since the last sign-in for which a browser is known. */
const DEVICE_SECONDS = 365 * 86_400;

/**
 * What a browser deletes when a session ends: cached pages, also those that its back button shows. Not "cookies", which deletes
 * those of the whole registered domain, nor "storage", which another site at the same origin may use. The session's own cookie is
 * deleted by name. https://www.w3.org/TR/clear-site-data/
 */
const CLEARED_ON_SIGN_OUT = '"cache"';

/**
 * Declares every route of the dashboard, so that none can omit the checks of the user, their permission, and the origin of a
 * form. `table` lists all routes.
 */
export class Router {
  readonly parts: Parts;
  readonly streams = new Streams();
  readonly background: Background;
  readonly table: { method: Method; path: string; need: Need }[] = [];
  readonly #app: FastifyInstance;

  constructor(app: FastifyInstance, parts: Parts) {
    this.#app = app;
    this.parts = parts;
    this.background = new Background((error) =>
      app.log.error({ err: error }, 'what went on behind an answer failed'),
    );
  }

  get #basePath(): string {
    return basePathOf(this.parts.config.publicUrl);
  }

  anyone(method: Method, path: string, handler: Handler<PageRequest>): void {
    this.#add(method, path, 'anyone', handler);
  }

  user(method: Method, path: string, handler: Handler<SignedInRequest>): void {
    this.#addSignedIn(method, path, 'user', handler);
  }

  #addSignedIn(method: Method, path: string, need: Need, handler: Handler<SignedInRequest>): void {
    this.#add(method, path, need, async (request) => {
      const { user } = request;
      if (user === null) {
        const next = method === 'GET' ? `?next=${encodeURIComponent(request.address)}` : '';
        return { kind: 'redirect', to: `/login${next}` };
      }
      const by = { asker: user.account.id, signal: request.clientGone() };
      return handler({ ...request, user, reports: this.parts.store.reports.askedBy(by) });
    });
  }

  /** Adds a route for the operator of this server. Other users get the page for an unknown URL. */
  operator(method: Method, path: string, handler: Handler<SignedInRequest>): void {
    this.#addSignedIn(method, path, 'operator', async (request) => {
      if (!(await isOperator(this.parts.store.registry, request.user.account))) throw new NotFound();
      return handler(request);
    });
  }

  /** Adds a route of a site, for users who may do `action` on it. `path` contains `:id`, the id of the site. */
  site(method: Method, path: string, action: SiteAction, handler: Handler<SitePageRequest>): void {
    this.#addOfSite(method, path, action, async (request) =>
      handler({
        ...request,
        sites: await sitesSeenBy(this.parts.store, request.user.account, SITES_TO_SWITCH_TO),
      }),
    );
  }

  /** Adds what pages of a site ask for by themselves, as `site` does. It is called often, so it does not get what only pages need. */
  siteUpdates(path: string, action: SiteAction, handler: Handler<SiteRequest>): void {
    this.#addOfSite('GET', path, action, handler);
  }

  #addOfSite(method: Method, path: string, action: SiteAction, handler: Handler<SiteRequest>): void {
    this.#addSignedIn(method, path, action, async (request) => {
      const site = await this.parts.store.registry.siteById(request.params.id ?? '');
      const role = site === null ? null : await roleOf(this.parts.store.registry, request.user.account, site);
      if (site === null || role === null) throw new NotFound();
      if (!may(role, action)) {
        return {
          kind: 'html',
          status: 403,
          html: errorPage(request.frame, noPermission(shownDomain(site.domain))),
        };
      }
      return handler({ ...request, site, role });
    });
  }

  #add(method: Method, path: string, need: Need, handler: Handler<PageRequest>): void {
    this.table.push({ method, path, need });
    this.#app.route({
      method,
      url: path,
      handler: async (request, reply) => {
        const { page, secret } = await this.#read(request, reply);
        const problem = method === 'POST' ? this.#formProblem(request, page, secret) : null;
        if (problem !== null) return sendHtml(reply.code(403), errorPage(page.frame, problem));
        try {
          const answer = await handler(page);
          if (page.user !== null && !isByItself(answer)) await touchSession(this.parts, page.user.session);
          return await this.#send(request, reply, answer, {
            mayContinue: () => this.#isStream(request, handler, page),
          });
        } catch (error) {
          if (!isMissing(error)) throw error;
          return sendHtml(reply.code(404), errorPage(page.frame, ERROR_TEXT.noAccess));
        }
      },
    });
  }

  /** Whether a request would still be answered with a stream: for example, not after its session has ended. */
  async #isStream(
    request: FastifyRequest,
    handler: Handler<PageRequest>,
    page: PageRequest,
  ): Promise<boolean> {
    try {
      const user = await this.#userOf(request);
      return (await handler({ ...page, user })).kind === 'stream';
    } catch (error) {
      if (!isMissing(error)) throw error;
      return false;
    }
  }

  #userOf(request: FastifyRequest): Promise<SignedInUser | null> {
    const { session } = readCookies(request, this.#cookieScope(request));
    return userOfSession(this.parts, session);
  }

  #cookieScope(request: FastifyRequest): CookieScope {
    // Whether browsers reach this server over HTTPS.
    const secure = (this.parts.config.publicUrl ?? requestOrigin(request)).startsWith('https:');
    return { secure, basePath: this.#basePath };
  }

  async #read(
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<{ page: PageRequest; secret: string | null }> {
    const { parts } = this;
    const baseUrl = parts.config.publicUrl ?? requestOrigin(request);
    const scope = this.#cookieScope(request);
    const cookies = readCookies(request, scope);
    const user = await this.#userOf(request);
    const secret = user === null ? cookies.visit : cookies.session;
    let forForms = secret;
    if (forForms === null) {
      forForms = newToken();
      setCookie(reply, 'visit', scope, { value: forForms });
    }
    const csrf = formToken(forForms);
    const url = URL.parse(request.url, 'http://here');
    const client = parts.clients.of(request);
    let gone: AbortSignal | undefined;
    const page: PageRequest = {
      address: request.url,
      params: request.params as Record<string, string>, // Fastify's router parses them from the path
      query: url?.searchParams ?? new URLSearchParams(),
      form: request.body instanceof URLSearchParams ? request.body : new URLSearchParams(),
      client,
      clientAddress: client.address,
      peerAddress: request.socket.remoteAddress ?? '',
      userAgent: request.headers['user-agent'] ?? '',
      headers: request.headers,
      unlocked: cookies.unlock,
      visitor: user === null ? forForms : cookies.visit,
      device: cookies.device,
      baseUrl,
      user,
      frame: {
        style: parts.assets.style,
        script: parts.assets.script,
        marks: parts.assets.marks,
        email: user?.account.email ?? null,
        csrf,
        path: url?.pathname ?? '/',
        basePath: this.#basePath,
        command: parts.config.command,
      },
      clientGone: () => {
        gone ??= clientGone(request, reply);
        return gone;
      },
    };
    return { page, secret };
  }

  /** Returns why a form is refused; null if it comes from one of our own pages, of the same session. */
  #formProblem(request: FastifyRequest, page: PageRequest, secret: string | null): ErrorText | null {
    const { 'sec-fetch-site': site, origin } = request.headers;
    const { publicUrl } = this.parts.config;
    const origins = [requestOrigin(request), ...(publicUrl === null ? [] : [new URL(publicUrl).origin])];
    const from = { site: Array.isArray(site) ? site[0] : site, origin };
    if (isSameOrigin(from, origins))
      return formTokenFits(page.form.get('csrf'), secret) ? null : ERROR_TEXT.staleForm;
    // The browser saw the page at an origin that a proxy does not tell this server.
    return from.site === 'same-origin' && origin !== undefined && isOrigin(origin)
      ? unknownOrigin(origin, origins, this.#basePath)
      : ERROR_TEXT.foreignForm;
  }

  #setCookies(
    request: FastifyRequest,
    reply: FastifyReply,
    { cookie, unlock, device }: Extract<Answer, { kind: 'redirect' }>,
  ): void {
    const scope = this.#cookieScope(request);
    if (cookie !== undefined) {
      const { token, maxAgeSeconds } = cookie ?? { token: '', maxAgeSeconds: 0 };
      setCookie(reply, 'session', scope, { value: token, maxAgeSeconds });
      if (cookie === null) reply.header('clear-site-data', CLEARED_ON_SIGN_OUT);
    }
    if (unlock !== undefined)
      setCookie(reply, 'unlock', scope, { value: unlock, maxAgeSeconds: UNLOCK_SECONDS });
    if (device !== undefined)
      setCookie(reply, 'device', scope, { value: device, maxAgeSeconds: DEVICE_SECONDS });
  }

  async #send(
    request: FastifyRequest,
    reply: FastifyReply,
    answer: Answer,
    { mayContinue }: { mayContinue: () => Promise<boolean> },
  ): Promise<FastifyReply> {
    switch (answer.kind) {
      case 'html':
        allowFrames(reply, answer.frameAncestors ?? []);
        return sendHtml(reply.code(answer.status ?? 200), answer.html);
      case 'redirect':
        this.#setCookies(request, reply, answer);
        return reply.code(303).header('location', withBasePath(answer.to, this.#basePath)).send();
      case 'file':
        return reply
          .type(answer.type)
          .header('content-disposition', `attachment; filename="${answer.name.replaceAll(/[^\w.-]/g, '_')}"`)
          .send(typeof answer.body === 'string' ? answer.body : streamOf(request, answer.body));
      case 'json':
        return reply.type('application/json; charset=utf-8').send(JSON.stringify(answer.body));
      case 'stream':
        return this.streams.open(reply, answer.open, mayContinue);
    }
  }
}

/** Whether pages ask for an answer by themselves, so that it does not show that someone is there. */
function isByItself({ kind }: Answer): boolean {
  return kind === 'json' || kind === 'stream';
}

/** Returns the body of a file as a stream; an empty one for HEAD, for which the framework would read it to its end. */
function streamOf({ method }: FastifyRequest, body: AsyncIterable<string>): Readable {
  return Readable.from(method === 'HEAD' ? [] : body);
}

/** Lets pages of other hosts show this one in a frame. A host-source without a scheme allows HTTPS, and HTTP if this server uses it. */
function allowFrames(reply: FastifyReply, hosts: readonly string[]): void {
  if (hosts.length === 0) return;
  const policy = String(reply.getHeader('content-security-policy'));
  const ancestors = `frame-ancestors 'self' ${hosts.map((host) => `${host}:*`).join(' ')}`;
  reply.header('content-security-policy', policy.replace("frame-ancestors 'none'", ancestors));
  // It cannot list hosts: https://datatracker.ietf.org/doc/html/rfc7034#section-2.1
  reply.removeHeader('x-frame-options');
}

/** Sends a page with `Vary: Cookie`, because it depends on the cookies. */
export function sendHtml(reply: FastifyReply, html: string): FastifyReply {
  return reply.type('text/html; charset=utf-8').header('vary', 'Cookie').send(html);
}
