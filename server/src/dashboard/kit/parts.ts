import type { IncomingHttpHeaders } from 'node:http';
import type { Role } from '../../app/access.ts';
import type { Context } from '../../app/context.ts';
import type { LiveFeed } from '../../app/live-feed.ts';
import type { Mailer } from '../../app/mailer.ts';
import type { RateLimiter } from '../../app/rate-limiter.ts';
import type { Clock } from '../../domain/clock.ts';
import type { MailSettings } from '../../domain/mail-settings.ts';
import type { PlanName } from '../../domain/plans.ts';
import type {
  Account,
  AskedReports,
  Entry,
  Events,
  Session,
  Site,
  Store,
} from '../../store/contract/store.ts';
import type { Assets } from './assets.ts';

/** The settings that pages depend on or show. */
export interface DashboardSettings {
  /** The public URL without a trailing slash; null if it is not set. */
  publicUrl: string | null;
  signups: 'closed' | 'invite' | 'open';
  newAccountPlan: PlanName;
  mail: MailSettings | null;
  /** The networks and names of trusted proxies. */
  trustProxy: readonly string[];
  /** The default retention of a site; null: events are kept forever. */
  retentionDays: number | null;
  geoDatabase: string | null;
  countryHeader: string | null;
}

/** The tracker's files as snippets refer to them. */
export interface Tracker {
  /** The path on the server, such as `a.js`. */
  script: string;
  /** The collector's path, if the pinned script cannot derive it. */
  collect: string | null;
  /** A script name that changes with the content, and its integrity hash; null if this build has none. */
  pinned: { script: string; integrity: string } | null;
}

/** The dashboard's dependencies. */
export interface Parts {
  store: Store;
  clock: Clock;
  config: DashboardSettings;
  feed: LiveFeed;
  assets: Assets;
  tracker: Tracker;
  /** The token of the setup link; null after setup. */
  setupToken: string | null;
  /** Limits login attempts and requests that send email, by address and by target. */
  rateLimiter: RateLimiter;
  /** Sends emails; null if no mail server is set, so that links are shown instead. */
  mailer: Mailer | null;
  /** Tests what the collector would do with a page view by this browser, without storing it. */
  dryRunPageView: (
    site: Site,
    request: { ip: string; headers: IncomingHttpHeaders },
  ) => Promise<PageViewDryRun>;
}

/** Picks the context of use cases. */
export function contextOf({ store, clock }: Parts): Context & { events: Events } {
  return { registry: store.registry, events: store.events, clock };
}

/** The outcome of a dry run, and the row that would have been stored; null if none would. */
export interface PageViewDryRun {
  outcome: string;
  entry: Entry | null;
}

/** A signed-in user. */
export interface SignedInUser {
  account: Account;
  session: Session;
}

/** The values that every page needs for its frame. */
export interface Frame {
  style: string;
  script: string;
  /** The email address of the signed-in user; null if there is none. */
  email: string | null;
  /** The CSRF token for the forms of this page. */
  csrf: string;
  /** The path of the page. */
  path: string;
}

/** A request as the pages see it. */
export interface PageRequest {
  /** The path and query. */
  address: string;
  params: Readonly<Record<string, string | undefined>>;
  query: URLSearchParams;
  /** The fields of the submitted form; empty for a GET. */
  form: URLSearchParams;
  /** The client's IP address, as trusted proxies report it. */
  clientAddress: string;
  /** The IP address of the connection: the client's, or a proxy's. */
  peerAddress: string;
  userAgent: string;
  /** The public URL of this server, from the settings or the request; without a trailing slash. */
  baseUrl: string;
  headers: IncomingHttpHeaders;
  /** The value of an earlier `unlock`. */
  unlocked: string | null;
  user: SignedInUser | null;
  frame: Frame;
  /** Returns the reports for an asker, whose questions end when the browser closes the connection. */
  reportsFor: (asker: string) => AskedReports;
}

export interface SignedInRequest extends PageRequest {
  user: SignedInUser;
  /** The reports, asked by the user's account. */
  reports: AskedReports;
}

export interface SiteRequest extends SignedInRequest {
  site: Site;
  role: Role;
}

/** The response of a page. */
export type Answer =
  | { kind: 'html'; html: string; status?: number }
  /** `unlock` is stored in a cookie, as proof that the password of a public link was entered. */
  | { kind: 'redirect'; to: string; cookie?: SessionCookie; unlock?: string }
  | { kind: 'file'; name: string; type: string; body: string | AsyncIterable<string> }
  | { kind: 'json'; body: unknown }
  | { kind: 'stream'; open: (send: (event: StreamEvent) => void) => (() => void) | null };

/** One message of a stream of server-sent events. */
export interface StreamEvent {
  id: number;
  data: unknown;
}

/** The token of a new session; null to end the current one. */
export type SessionCookie = { token: string; maxAgeSeconds: number } | null;

/** The error for a page that does not exist, or that this user may not see. The response is the same. */
export class NotFound extends Error {
  override readonly name = 'NotFound';
}
