import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { ApiError } from '../domain/errors.ts';
import type { Principal } from './auth.ts';
import { allowOrigin, allowRequests } from './http.ts';

/** The request property that holds the principal, or the error if there is none. */
const PRINCIPAL = 'principal';

/** A function that answers a request of an authenticated principal. */
export type Handler = (
  request: FastifyRequest,
  reply: FastifyReply,
  principal: Principal,
) => Promise<FastifyReply>;

/** The options of a route that takes a body. */
interface BodyOptions {
  bodyLimit: number;
  /** Throws, before the body is read, if the principal may not use the route. */
  authorize: (principal: Principal) => void;
}

const METHOD_SENTENCES: Readonly<Record<string, string>> = {
  '/v1/sites': 'Method not allowed. Use GET to list sites; add sites in the dashboard.',
};

/** Declares API routes. Handlers get the principal unless the route is public, and other methods of a path are refused. */
export class ApiRouter {
  readonly #app: FastifyInstance;
  readonly #origins: readonly string[];
  /** The methods of each path, except OPTIONS. */
  readonly #methods = new Map<string, string[]>();

  /** @param origins the origins whose pages may read responses */
  constructor(app: FastifyInstance, origins: readonly string[]) {
    this.#app = app;
    this.#origins = origins;
    app.decorateRequest(PRINCIPAL, null);
  }

  /** Stores the principal, or the error if there is none, before a route runs. */
  setPrincipal(request: FastifyRequest, principal: Principal | ApiError): void {
    request.setDecorator(PRINCIPAL, principal);
  }

  get(path: string, handler: Handler): void {
    this.#declare(path, ['GET', 'HEAD']);
    this.#app.get(routeOf(path), async (request, reply) => handler(request, reply, principalOf(request)));
  }

  /** Declares a public `GET` route, which needs no API key. */
  getPublic(
    path: string,
    handler: (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply>,
  ): void {
    this.#declare(path, ['GET', 'HEAD']);
    this.#app.get(routeOf(path), handler);
  }

  /** Declares a `POST` route. */
  post(path: string, options: BodyOptions, handler: Handler): void {
    this.#withBody('POST', path, options, handler);
  }

  /** Declares a `PUT` route. */
  put(path: string, options: BodyOptions, handler: Handler): void {
    this.#withBody('PUT', path, options, handler);
  }

  /** Declares a `DELETE` route. Its body is ignored. */
  delete(path: string, options: BodyOptions, handler: Handler): void {
    this.#withBody('DELETE', path, options, handler);
  }

  #withBody(
    method: 'POST' | 'PUT' | 'DELETE',
    path: string,
    { bodyLimit, authorize }: BodyOptions,
    handler: Handler,
  ): void {
    this.#declare(path, [method]);
    this.#app.route({
      ...{ method, url: routeOf(path), bodyLimit },
      onRequest: async (request) => authorize(principalOf(request)),
      handler: async (request, reply) => handler(request, reply, principalOf(request)),
    });
  }

  /** Answers `OPTIONS` with the allowed methods, and refuses all other methods of the paths declared so far with 405. */
  refuseOtherMethods(): void {
    for (const [path, methods] of this.#methods) {
      const refusal = new ApiError('METHOD_NOT_ALLOWED', {
        detail: METHOD_SENTENCES[path] ?? `Method not allowed. Use ${methods.join(' or ')}.`,
      });
      this.#app.route({
        method: this.#app.supportedMethods.filter((method) => !methods.includes(method)),
        url: routeOf(path),
        // Answered before the body is read, so that errors in the body do not matter.
        onRequest: async (request, reply) => {
          reply.header('allow', [...methods, 'OPTIONS'].join(', '));
          if (request.method !== 'OPTIONS') throw refusal;
          const isPreflight = request.headers['access-control-request-method'] !== undefined;
          if (isPreflight && allowOrigin(request, reply, this.#origins))
            allowRequests(reply, methods.join(', '));
          return reply.code(204).send();
        },
        handler: async () => {
          throw refusal;
        },
      });
    }
  }

  #declare(path: string, methods: readonly string[]): void {
    this.#methods.set(path, [...(this.#methods.get(path) ?? []), ...methods]);
  }
}

function principalOf(request: FastifyRequest): Principal {
  const principal = request.getDecorator<Principal | ApiError>(PRINCIPAL);
  if (principal instanceof ApiError) throw principal;
  return principal;
}

/** Converts the parameters of a path, such as `/v1/sites/{id}`, to the notation of Fastify's router. */
function routeOf(path: string): string {
  return path.replaceAll(/\{(\w+)\}/g, ':$1');
}
