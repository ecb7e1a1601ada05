import cookies from '@fastify/cookie';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { ApiError } from '../domain/errors.ts';
import { wantsJson } from '../http/accept.ts';
import { basePathOf, withBasePath } from '../http/base-path.ts';
import { CLIENT_GONE_STATUS, ClientGone } from '../http/client-gone.ts';
import { compressAnswers } from '../http/compression.ts';
import { refusedByFramework } from '../http/error-status.ts';
import { pageHeaders } from '../http/security-headers.ts';
import { StoreUnavailable } from '../store/contract/store.ts';
import { accountPages } from './account/routes.ts';
import { addSitePages } from './add-site/routes.ts';
import { apiKeyPages } from './api-keys/routes.ts';
import { funnelPages } from './funnels/routes.ts';
import { instancePages } from './instance/routes.ts';
import { invitationPages } from './invitation/routes.ts';
import { journeyPages } from './journeys/routes.ts';
import { assetRoutes } from './kit/asset-routes.ts';
import type { Assets } from './kit/assets.ts';
import { errorPage } from './kit/error.tsx';
import { ERROR_TEXT, type ErrorText } from './kit/error-text.ts';
import type { Frame, Parts } from './kit/parts.ts';
import { Router, sendHtml } from './kit/router.ts';
import { livePages } from './live/routes.ts';
import { mapPages } from './map/routes.ts';
import { notCountedPages } from './not-counted/routes.ts';
import { passwordResetPages } from './password-reset/routes.ts';
import { sitePages } from './report/routes.ts';
import { rollUpPages } from './roll-up/routes.ts';
import { collectingPages } from './settings/collect-routes.ts';
import { settingsPages } from './settings/routes.ts';
import { sharePages } from './share/routes.ts';
import { signInPages } from './sign-in/routes.ts';
import { sitesPages } from './sites/routes.ts';
import { whoamiPages } from './whoami/routes.ts';

/** The dashboard over HTTP: pages for people, and forms that only these pages can send. */

/** No resources from other origins, no inline code, and no framing by other sites. https://www.w3.org/TR/CSP3/ */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "form-action 'self'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
].join('; ');

/** Seconds to wait before a retry if the store is unavailable. */
const RETRY_AFTER_SECONDS = 5;

/** The media type of forms: https://html.spec.whatwg.org/multipage/form-control-infrastructure.html#urlencoded-form-data */
const FORM_TYPE = 'application/x-www-form-urlencoded';

/** The largest form: exclusions with the longest lists, whose characters take up to nine bytes. */
const FORM_MAX_BYTES = 512 * 1024;

const headersOf = (publicUrl: string | null) => ({
  ...pageHeaders(publicUrl),
  'content-security-policy': CONTENT_SECURITY_POLICY,
  'cache-control': 'no-store',
});

export async function dashboardRoutes(app: FastifyInstance, { parts }: { parts: Parts }): Promise<void> {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(
    FORM_TYPE,
    { parseAs: 'string', bodyLimit: FORM_MAX_BYTES },
    (_request, text, done) => done(null, new URLSearchParams(String(text))),
  );
  await app.register(cookies);
  const headers = headersOf(parts.config.publicUrl);
  app.addHook('onRequest', async (_request, reply) => void reply.headers(headers));
  compressAnswers(app);
  app.setErrorHandler((error, request, reply) => refuse(parts, error, request, reply));

  assetRoutes(app, parts.assets);
  const router = new Router(app, parts);
  app.addHook('preClose', async () => router.streams.endAll());
  app.addHook('onClose', () => router.background.settled());
  declarePages(router);
  refuseOtherMethods(app, router);
  const home = withBasePath('/dashboard', basePathOf(parts.config.publicUrl));
  app.get('/', async (_request, reply) => reply.code(303).header('location', home).send());
  app.get('/dashboard/*', async (request, reply) => {
    if (wantsJson(request)) return reply.code(404).send(new ApiError('NOT_FOUND').body());
    return sendHtml(
      reply.code(404),
      errorPage(signedOutFrame(parts.assets, parts.config), ERROR_TEXT.notFound),
    );
  });
}

/** Creates the function that sends the page for unknown URLs. */
export function notFoundPage(
  assets: Assets,
  publicUrl: string | null,
): (reply: FastifyReply) => FastifyReply {
  const headers = headersOf(publicUrl);
  const page = errorPage(signedOutFrame(assets, { publicUrl }), ERROR_TEXT.notFound);
  return (reply) => sendHtml(reply.code(404).headers(headers), page);
}

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;

/** Responds to wrong methods with 405, such as a GET for the copied URL of a form. */
function refuseOtherMethods(app: FastifyInstance, { table, parts }: Router): void {
  for (const path of new Set(table.map((route) => route.path))) {
    const taken: readonly string[] = table.filter((route) => route.path === path).map(({ method }) => method);
    app.route({
      method: METHODS.filter((method) => !taken.includes(method)),
      url: path,
      exposeHeadRoute: false,
      handler: async (request, reply) => {
        reply
          .code(405)
          .header('allow', taken.map((method) => (method === 'GET' ? 'GET, HEAD' : method)).join(', '));
        return wantsJson(request)
          ? reply.send(new ApiError('METHOD_NOT_ALLOWED').body())
          : sendHtml(
              reply,
              errorPage(signedOutFrame(parts.assets, parts.config), ERROR_TEXT.methodNotAllowed),
            );
      },
    });
  }
}

/** Registers every page; `router.table` lists them afterwards. */
export function declarePages(router: Router): void {
  signInPages(router);
  invitationPages(router);
  passwordResetPages(router);
  sharePages(router);
  sitesPages(router);
  addSitePages(router);
  rollUpPages(router);
  sitePages(router);
  mapPages(router);
  funnelPages(router);
  journeyPages(router);
  livePages(router);
  notCountedPages(router);
  whoamiPages(router);
  settingsPages(router);
  collectingPages(router);
  apiKeyPages(router);
  accountPages(router);
  instancePages(router);
}

/** Creates the frame of a page whose viewer is unknown. */
function signedOutFrame(
  { style, script, marks }: Assets,
  { publicUrl }: { publicUrl: string | null },
): Frame {
  const basePath = basePathOf(publicUrl);
  return { style, script, marks, email: null, csrf: '', path: '/', basePath, command: '' };
}

function refuse(parts: Parts, error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  if (error instanceof ClientGone) return reply.code(CLIENT_GONE_STATUS).send();
  const refused =
    error instanceof StoreUnavailable
      ? new ApiError('UNAVAILABLE', { retryAfterSeconds: RETRY_AFTER_SECONDS })
      : (refusedByFramework(error, FORM_TYPE) ?? new ApiError('INTERNAL'));
  if (refused.code === 'INTERNAL') request.log.error({ err: error }, 'a page could not be made');
  if (refused.retryAfterSeconds !== undefined) reply.header('retry-after', refused.retryAfterSeconds);
  reply.code(refused.status);
  if (wantsJson(request)) return reply.send(refused.body());
  return sendHtml(reply, errorPage(signedOutFrame(parts.assets, parts.config), textOf(refused)));
}

function textOf({ code }: ApiError): ErrorText {
  if (code === 'UNAVAILABLE') return ERROR_TEXT.unavailable;
  return code === 'INTERNAL' ? ERROR_TEXT.broken : ERROR_TEXT.unreadableForm;
}
