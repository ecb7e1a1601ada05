import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { isOperator, may, roleOf, type SiteAction } from '../../app/access.ts';
import { clientAddress } from '../../domain/addresses.ts';
import { shownDomain } from '../../domain/hosts.ts';
import { newToken } from '../../domain/tokens.ts';
import { clientGone } from '../../http/client-gone.ts';
import { isMissing } from './answers.ts';
import { Background } from './background.ts';
import { readCookies, setCookie } from './cookies.ts';
import { formToken, formTokenFits, isSameOrigin } from './csrf.ts';
import { errorPage } from './error.tsx';
import { ERROR_TEXT, noPermission } from './error-text.ts';
import {
  type Answer,
  NotFound,
  type PageRequest,
  type Parts,
  type SignedInRequest,
  type SiteRequest,
} from './parts.ts';
import { userOfSession } from './sessions.ts';
import { Streams } from './stream.ts';

type Method = 'GET' | 'POST';
type Handler<V> = (visit: V) => Promise<Answer>;
/** The access that a route requires: none, a signed-in user, the operator, or a permission for the site in its path. */
export type Need = 'anyone' | 'user' | 'operator' | SiteAction;

/** How long a browser can open a public link without entering its password again. */
const UNLOCK_SECONDS = 86_400;

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
      return handler({ ...request, user, reports: request.reportsFor(user.account.id) });
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
  site(method: Method, path: string, action: SiteAction, handler: Handler<SiteRequest>): void {
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
        if (method === 'POST' && !this.#formIsOurs(request, page, secret)) {
          return sendHtml(reply.code(403), errorPage(page.frame, ERROR_TEXT.staleForm));
        }
        try {
          return await this.#send(request, reply, await handler(page));
        } catch (error) {
          if (!isMissing(error)) throw error;
          return sendHtml(reply.code(404), errorPage(page.frame, ERROR_TEXT.noAccess));
        }
      },
    });
  }

  async #read(
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<{ page: PageRequest; secret: string | null }> {
    const { parts } = this;
    const here = `${request.protocol}://${request.host}`;
    const baseUrl = parts.config.publicUrl ?? here;
    const secure = isSecure(parts, request);
    const cookies = readCookies(request, secure);
    const user = await userOfSession({ registry: parts.store.registry, clock: parts.clock }, cookies.session);
    const secret = user === null ? cookies.visit : cookies.session;
    let forForms = secret;
    if (forForms === null) {
      forForms = newToken();
      setCookie(reply, 'visit', { value: forForms, secure });
    }
    const csrf = formToken(forForms);
    const url = URL.parse(request.url, 'http://here');
    const page: PageRequest = {
      address: request.url,
      params: request.params as Record<string, string>, // Fastify's router parses them from the path
      query: url?.searchParams ?? new URLSearchParams(),
      form: request.body instanceof URLSearchParams ? request.body : new URLSearchParams(),
      clientAddress: clientAddress(request),
      peerAddress: request.socket.remoteAddress ?? '',
      userAgent: request.headers['user-agent'] ?? '',
      headers: request.headers,
      unlocked: cookies.unlock,
      baseUrl,
      user,
      frame: {
        style: parts.assets.style,
        script: parts.assets.script,
        email: user?.account.email ?? null,
        csrf,
        path: url?.pathname ?? '/',
      },
      reportsFor: (asker) => parts.store.reports.askedBy({ asker, signal: clientGone(request, reply) }),
    };
    return { page, secret };
  }

  #formIsOurs(request: FastifyRequest, page: PageRequest, secret: string | null): boolean {
    const site = request.headers['sec-fetch-site'];
    const { publicUrl } = this.parts.config;
    const origins = [
      `${request.protocol}://${request.host}`,
      ...(publicUrl === null ? [] : [new URL(publicUrl).origin]),
    ];
    return (
      isSameOrigin({ site: Array.isArray(site) ? site[0] : site, origin: request.headers.origin }, origins) &&
      formTokenFits(page.form.get('csrf'), secret)
    );
  }

  #setCookies(
    request: FastifyRequest,
    reply: FastifyReply,
    { cookie, unlock }: Extract<Answer, { kind: 'redirect' }>,
  ): void {
    const secure = isSecure(this.parts, request);
    if (cookie !== undefined) {
      const { token, maxAgeSeconds } = cookie ?? { token: '', maxAgeSeconds: 0 };
      setCookie(reply, 'session', { value: token, secure, maxAgeSeconds });
    }
    if (unlock !== undefined)
      setCookie(reply, 'unlock', { value: unlock, secure, maxAgeSeconds: UNLOCK_SECONDS });
  }

  async #send(request: FastifyRequest, reply: FastifyReply, answer: Answer): Promise<FastifyReply> {
    switch (answer.kind) {
      case 'html':
        return sendHtml(reply.code(answer.status ?? 200), answer.html);
      case 'redirect':
        this.#setCookies(request, reply, answer);
        return reply.code(303).header('location', answer.to).send();
      case 'file':
        return reply
          .type(answer.type)
          .header('content-disposition', `attachment; filename="${answer.name.replaceAll(/[^\w.-]/g, '_')}"`)
          .send(typeof answer.body === 'string' ? answer.body : Readable.from(answer.body));
      case 'json':
        return reply.type('application/json; charset=utf-8').send(JSON.stringify(answer.body));
      case 'stream':
        return this.streams.open(reply, answer.open);
    }
  }
}

/** Whether browsers reach this server over HTTPS. */
function isSecure(parts: Parts, request: FastifyRequest): boolean {
  return (parts.config.publicUrl ?? `${request.protocol}:`).startsWith('https:');
}

/** Sends a page with `Vary: Cookie`, because it depends on the cookies. */
export function sendHtml(reply: FastifyReply, html: string): FastifyReply {
  return reply.type('text/html; charset=utf-8').header('vary', 'Cookie').send(html);
}
