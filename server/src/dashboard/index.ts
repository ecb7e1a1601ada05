import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { StoreUnavailable } from '../store/store.ts';
import { accountPages } from './pages/account.ts';
import { addSitePages } from './pages/add-site.ts';
import { apiKeyPages } from './pages/api-keys.ts';
import { assetRoutes } from './pages/assets.ts';
import { installationPages } from './pages/installation.ts';
import { invitationPages } from './pages/invitation.ts';
import { livePages } from './pages/live.ts';
import { passwordResetPages } from './pages/password-reset.ts';
import { Router, sendHtml } from './pages/route.ts';
import { settingsPages } from './pages/settings.ts';
import { collectingPages } from './pages/settings-collect.ts';
import { sharePages } from './pages/share.ts';
import { signInPages } from './pages/sign-in.ts';
import { sitePages } from './pages/site.ts';
import { sitesPages } from './pages/sites.ts';
import { uncountedPages } from './pages/uncounted.ts';
import { youPages } from './pages/you.ts';
import type { Parts } from './parts.ts';
import { errorPage } from './views/error.tsx';

/** The dashboard's room over HTTP: pages for people, and forms that come from nowhere else. */

/** Nothing from elsewhere, nothing inline, and never inside another site's frame. https://www.w3.org/TR/CSP3/ */
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

const SECURITY_HEADERS = {
  'content-security-policy': CONTENT_SECURITY_POLICY,
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  // Addresses of the dashboard are nobody else's business.
  'referrer-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), microphone=(), geolocation=()',
  'cache-control': 'no-store',
};

export async function dashboardRoutes(app: FastifyInstance, { parts }: { parts: Parts }): Promise<void> {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string' },
    (_request, text, done) => done(null, new URLSearchParams(String(text))),
  );
  app.addHook('onRequest', async (_request, reply) => void reply.headers(SECURITY_HEADERS));
  app.setErrorHandler((error, request, reply) => refuse(parts, error, request, reply));

  assetRoutes(app, parts.assets);
  const router = new Router(app, parts);
  app.addHook('preClose', async () => router.streams.endAll());
  app.addHook('onClose', () => router.background.settled());
  declarePages(router);
  refuseOtherMethods(app, router);
  app.get('/', async (_request, reply) => reply.code(303).header('location', '/dashboard').send());
  app.get('/dashboard/*', async (request, reply) =>
    sendHtml(request, reply.code(404), errorPage(strangersFrame(parts), NOT_THERE)),
  );
}

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;

/** An address that is there for one method says so for every other: a form's address that was copied is no page. */
function refuseOtherMethods(app: FastifyInstance, { table, parts }: Router): void {
  for (const path of new Set(table.map((route) => route.path))) {
    const taken: readonly string[] = table.filter((route) => route.path === path).map(({ method }) => method);
    app.route({
      method: METHODS.filter((method) => !taken.includes(method)),
      url: path,
      exposeHeadRoute: false,
      handler: async (request, reply) =>
        sendHtml(
          request,
          reply
            .code(405)
            .header('allow', taken.map((method) => (method === 'GET' ? 'GET, HEAD' : method)).join(', ')),
          errorPage(strangersFrame(parts), NOT_THIS_WAY),
        ),
    });
  }
}

/** Every page, in one list that `router.table` shows afterwards. */
export function declarePages(router: Router): void {
  signInPages(router);
  invitationPages(router);
  passwordResetPages(router);
  sharePages(router);
  sitesPages(router);
  addSitePages(router);
  sitePages(router);
  livePages(router);
  uncountedPages(router);
  youPages(router);
  settingsPages(router);
  collectingPages(router);
  apiKeyPages(router);
  accountPages(router);
  installationPages(router);
}

const NOT_THERE = { title: 'There is nothing here', text: 'The address may be mistyped.' };
const NOT_THIS_WAY = {
  title: 'Not this way',
  text: 'This is where a form is sent to, or a page that takes no form. Go to your sites and start from there.',
};
const AWAY = {
  title: 'The store cannot answer right now',
  text: 'Nothing is lost: what was acknowledged is on disk. Try again in a moment.',
};
const BROKEN = { title: 'Something went wrong on our side', text: 'The log says what. Try again.' };
const UNREADABLE = {
  title: 'The form could not be read',
  text: 'Go back, reload the page, and send it again.',
};

/** What a page shows where it cannot be known who looks at it. */
function strangersFrame(parts: Parts) {
  return { style: parts.assets.style, script: parts.assets.script, email: null, csrf: '', path: '/' };
}

function refuse(parts: Parts, error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const frame = strangersFrame(parts);
  if (error instanceof StoreUnavailable)
    return sendHtml(request, reply.code(503).header('retry-after', 5), errorPage(frame, AWAY));
  const status = error instanceof Error && 'statusCode' in error ? Number(error.statusCode) : 500;
  if (status >= 400 && status < 500)
    return sendHtml(request, reply.code(status), errorPage(frame, UNREADABLE));
  request.log.error({ err: error }, 'a page could not be made');
  return sendHtml(request, reply.code(500), errorPage(frame, BROKEN));
}
