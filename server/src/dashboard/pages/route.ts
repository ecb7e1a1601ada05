import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { shownDomain } from '../../hosts.ts';
import { newToken } from '../../tokens.ts';
import { isOperator, may, roleOf, type SiteAction } from '../access.ts';
import { Background } from '../background.ts';
import { formToken, formTokenFits, isSameOrigin } from '../csrf.ts';
import {
  type Answer,
  NotFound,
  type Parts,
  type PersonalVisit,
  type SiteVisit,
  type Visit,
} from '../parts.ts';
import { personOf, readCookies, sessionCookie, unlockCookie, visitCookie } from '../sessions.ts';
import { errorPage } from '../views/error.tsx';
import { Streams } from './stream.ts';

type Method = 'GET' | 'POST';
type Handler<V> = (visit: V) => Promise<Answer>;
/** What a route asks of its visitor: nothing, to be signed in, to run the installation, or a right on the site in its path. */
export type Need = 'anyone' | 'person' | 'operator' | SiteAction;

/** Below this a page is sent as it is. */
const COMPRESS_MIN_BYTES = 1_000;

/**
 * Every route of the dashboard is declared through here, so that none can forget to ask who is there, whether he may, and
 * whether the form is ours. `table` lists them all.
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

  anyone(method: Method, path: string, handler: Handler<Visit>): void {
    this.#add(method, path, 'anyone', handler);
  }

  person(method: Method, path: string, handler: Handler<PersonalVisit>): void {
    this.#add(method, path, 'person', async (visit) => {
      const { person } = visit;
      if (person === null) {
        const next = method === 'GET' ? `?next=${encodeURIComponent(visit.address)}` : '';
        return { kind: 'redirect', to: `/login${next}` };
      }
      return handler({ ...visit, person });
    });
  }

  /** For whoever runs the installation; for everybody else there is nothing. */
  operator(method: Method, path: string, handler: Handler<PersonalVisit>): void {
    this.person(method, path, async (visit) => {
      if (!(await isOperator(this.parts.store.registry, visit.person.account))) throw new NotFound();
      return handler(visit);
    });
    this.#relabel('operator');
  }

  /** `path` holds `:id`, a site's. */
  site(method: Method, path: string, action: SiteAction, handler: Handler<SiteVisit>): void {
    this.person(method, path, async (visit) => {
      const site = await this.parts.store.registry.siteById(visit.params.id ?? '');
      const role = site === null ? null : await roleOf(this.parts.store.registry, visit.person.account, site);
      if (site === null || role === null) throw new NotFound();
      if (!may(role, action)) {
        return {
          kind: 'html',
          status: 403,
          html: errorPage(visit.frame, {
            title: 'Not yours to change',
            text: `You may look at ${shownDomain(site.domain)} but not do this. Ask its owner.`,
          }),
        };
      }
      return handler({ ...visit, site, role });
    });
    this.#relabel(action);
  }

  /** The route declared last asks for more than a person. */
  #relabel(need: Need): void {
    const route = this.table.at(-1);
    if (route !== undefined) route.need = need;
  }

  #add(method: Method, path: string, need: Need, handler: Handler<Visit>): void {
    this.table.push({ method, path, need });
    this.#app.route({
      method,
      url: path,
      handler: async (request, reply) => {
        const { visit, secret } = await this.#visit(request, reply);
        if (method === 'POST' && !this.#formIsOurs(request, visit, secret)) {
          return sendHtml(request, reply.code(403), errorPage(visit.frame, STALE_FORM));
        }
        try {
          return await this.#send(request, reply, await handler(visit));
        } catch (error) {
          if (!(error instanceof NotFound)) throw error;
          return sendHtml(request, reply.code(404), errorPage(visit.frame, NOT_THERE));
        }
      },
    });
  }

  async #visit(
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<{ visit: Visit; secret: string | null }> {
    const { parts } = this;
    const here = `${request.protocol}://${request.host}`;
    const baseUrl = parts.config.publicUrl ?? here;
    const secure = isSecure(parts, request);
    const cookies = readCookies(request.headers.cookie, secure);
    const person = await personOf({ registry: parts.store.registry, clock: parts.clock }, cookies.session);
    const secret = person === null ? cookies.visit : cookies.session;
    let forForms = secret;
    if (forForms === null) {
      forForms = newToken();
      reply.header('set-cookie', visitCookie(forForms, secure));
    }
    const csrf = formToken(forForms);
    const url = URL.parse(request.url, 'http://here');
    const visit: Visit = {
      address: request.url,
      params: request.params as Record<string, string>, // what Fastify's router makes of a path
      query: url?.searchParams ?? new URLSearchParams(),
      form: request.body instanceof URLSearchParams ? request.body : new URLSearchParams(),
      clientAddress: request.ip,
      peerAddress: request.socket.remoteAddress ?? '',
      userAgent: request.headers['user-agent'] ?? '',
      headers: request.headers,
      unlocked: cookies.unlock,
      baseUrl,
      person,
      frame: {
        style: parts.assets.style,
        script: parts.assets.script,
        email: person?.account.email ?? null,
        csrf,
        path: url?.pathname ?? '/',
      },
    };
    return { visit, secret };
  }

  #formIsOurs(request: FastifyRequest, visit: Visit, secret: string | null): boolean {
    const site = request.headers['sec-fetch-site'];
    const { publicUrl } = this.parts.config;
    const origins = [
      `${request.protocol}://${request.host}`,
      ...(publicUrl === null ? [] : [new URL(publicUrl).origin]),
    ];
    return (
      isSameOrigin({ site: Array.isArray(site) ? site[0] : site, origin: request.headers.origin }, origins) &&
      formTokenFits(visit.form.get('csrf'), secret)
    );
  }

  async #send(request: FastifyRequest, reply: FastifyReply, answer: Answer): Promise<FastifyReply> {
    switch (answer.kind) {
      case 'html':
        return sendHtml(request, reply.code(answer.status ?? 200), answer.html);
      case 'redirect':
        if (answer.cookie !== undefined)
          reply.header('set-cookie', sessionCookie(answer.cookie, isSecure(this.parts, request)));
        if (answer.unlock !== undefined)
          reply.header('set-cookie', unlockCookie(answer.unlock, isSecure(this.parts, request)));
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

const STALE_FORM = {
  title: 'This form is too old',
  text: 'It was opened before you signed in or out, or in another browser. Go back, reload the page, and send it again.',
};
const NOT_THERE = {
  title: 'There is nothing here',
  text: 'The page does not exist, or it is not yours to see.',
};

/** Whether the browser reaches us over https. */
function isSecure(parts: Parts, request: FastifyRequest): boolean {
  return (parts.config.publicUrl ?? `${request.protocol}:`).startsWith('https:');
}

export function sendHtml(request: FastifyRequest, reply: FastifyReply, html: string): FastifyReply {
  reply.type('text/html; charset=utf-8').header('vary', 'accept-encoding, cookie');
  const accepts = /\bgzip\b(?!;q=0(\.0*)?\b)/.test(request.headers['accept-encoding'] ?? '');
  if (!accepts || html.length < COMPRESS_MIN_BYTES) return reply.send(html);
  return reply.header('content-encoding', 'gzip').send(gzipSync(html));
}
