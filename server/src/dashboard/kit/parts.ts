import type { IncomingHttpHeaders } from 'node:http';
import type { Role } from '../../app/access.ts';
import type { LiveFeed } from '../../app/live-feed.ts';
import type { Mailer } from '../../app/mailer.ts';
import type { RateLimiter } from '../../app/rate-limiter.ts';
import type { SecurityLog } from '../../app/security-log.ts';
import type { SingleSignOn } from '../../app/single-sign-on.ts';
import type { Clock } from '../../domain/clock.ts';
import type { MailSettings } from '../../domain/mail-settings.ts';
import type { PlanName } from '../../domain/plans.ts';
import type { SecretBox } from '../../domain/secret-box.ts';
import type { ClientAddress, ClientAddresses } from '../../http/client-addresses.ts';
import type { Account, AskedReports, Entry, Session, Site, Store } from '../../store/contract/store.ts';
import type { Assets } from './assets.ts';

/** How long sessions last: without use, and at most. */
export interface SessionLimits {
  idleMs: number;
  maxAgeMs: number;
}

/** The settings that pages depend on or show. */
export interface DashboardSettings {
  /** The public URL without a trailing slash; null if it is not set. */
  publicUrl: string | null;
  signups: 'closed' | 'invite' | 'open';
  newAccountPlan: PlanName;
  sessions: SessionLimits;
  mail: MailSettings | null;
  /** The networks and names of trusted proxies. */
  trustProxy: readonly string[];
  /** The default retention of a site; null: events are kept forever. */
  retentionDays: number | null;
  /** The path of the ASN database; null if there is none. */
  asnDatabase: string | null;
  /** What an operator types to run a command. */
  command: string;
}

/** The builds of the tracker that the install page offers. */
export type TrackerBuild = 'core' | 'full';

/** A build of the tracker as snippets refer to it. */
export interface TrackerScript {
  /** The path on the server, such as `a.js`. */
  path: string;
  /** A script name that changes with the content, and its integrity hash; null if the server has none. */
  pinned: { script: string; integrity: string } | null;
}

/** The tracker's files as snippets refer to them. */
export interface Tracker extends Readonly<Record<TrackerBuild, TrackerScript>> {
  /** The collector's path below the public URL, if the pinned script cannot derive it. */
  collect: string | null;
}

/** The dashboard's dependencies. */
export interface Parts {
  store: Store;
  clock: Clock;
  config: DashboardSettings;
  /** Encrypts stored secrets. */
  secretBox: SecretBox;
  /** Sign-in with an identity provider; null if there is none. */
  singleSignOn: SingleSignOn | null;
  feed: LiveFeed;
  assets: Assets;
  tracker: Tracker;
  /** The token of the setup link; null after setup. */
  setupToken: string | null;
  /** Limits login attempts and requests that send email, by address and by target. */
  rateLimiter: RateLimiter;
  /** Sends emails; null if no mail server is set, so that links are shown instead. */
  mailer: Mailer | null;
  /** Finds the client addresses of requests. */
  clients: ClientAddresses;
  securityLog: SecurityLog;
  /** Describes a client without its address: by its country, and by a pseudonym that changes daily; null for what is unknown. */
  describeClient: (request: {
    client: ClientAddress;
    headers: IncomingHttpHeaders;
  }) => Promise<{ country: string | null; client: string | null }>;
  /** Tests what the collector would do with a page view by this browser, without storing it. */
  dryRunPageView: (
    site: Site,
    request: { client: ClientAddress; headers: IncomingHttpHeaders },
  ) => Promise<PageViewDryRun>;
}

/** The outcome of a dry run, and the row that would have been stored; null if none would. */
export interface PageViewDryRun {
  outcome: string;
  entry: Entry | null;
}

/** Whether people sign in with an identity provider only, so that passwords are refused. */
export function refusesPasswords({ singleSignOn }: Pick<Parts, 'singleSignOn'>): boolean {
  return singleSignOn?.settings.only === true;
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
  marks: string;
  /** The email address of the signed-in user; null if there is none. */
  email: string | null;
  /** The CSRF token for the forms of this page. */
  csrf: string;
  /** The path of the page, without `basePath`. */
  path: string;
  /** The path of the public URL, which all links get; empty if it has none. */
  basePath: string;
  /** What an operator types to run a command of this installation. */
  command: string;
  /** The color scheme that the page keeps to; by default that of the browser. */
  theme?: Theme;
}

/** A color scheme. */
export type Theme = 'light' | 'dark';

/** A request as the pages see it. */
export interface PageRequest {
  /** The path and query. */
  address: string;
  params: Readonly<Record<string, string | undefined>>;
  query: URLSearchParams;
  /** The fields of the submitted form; empty for a GET. */
  form: URLSearchParams;
  /** The client, as trusted proxies report it. */
  client: ClientAddress;
  /** The address of `client`. */
  clientAddress: string;
  /** The IP address of the connection: the client's, or a proxy's. */
  peerAddress: string;
  userAgent: string;
  /** The public URL of this server, from the settings or the request; without a trailing slash. */
  baseUrl: string;
  headers: IncomingHttpHeaders;
  /** The value of an earlier `unlock`. */
  unlocked: string | null;
  /** A random text of a browser that has not signed in, which binds what begins before that; null if it has none. */
  visitor: string | null;
  /** The value of an earlier `device`. */
  device: string | null;
  user: SignedInUser | null;
  frame: Frame;
  /** Returns a signal that aborts when the browser closes the connection. */
  clientGone: () => AbortSignal;
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

/** A request for a page of a site. */
export interface SitePageRequest extends SiteRequest {
  /** The sites that the page offers to switch to, this one included. */
  sites: readonly Pick<Site, 'id' | 'domain'>[];
}

/** The response of a page. */
export type Answer =
  /** `frameAncestors` are the hosts whose pages may show this one in a frame; none by default. */
  | { kind: 'html'; html: string; status?: number; frameAncestors?: readonly string[] }
  /**
   * `unlock` and `device` are stored in cookies, as proof that the password of a public link was entered, and that an account was
   * signed in to from this browser.
   */
  | { kind: 'redirect'; to: string; cookie?: SessionCookie; unlock?: string; device?: string }
  | { kind: 'file'; name: string; type: string; body: string | AsyncIterable<string> }
  | { kind: 'json'; body: unknown }
  /**
   * While the stream is open, its handler is called again twice a second, to check that the user may still see it. So only `open`
   * may have effects.
   */
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
