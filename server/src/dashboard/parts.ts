import type { IncomingHttpHeaders } from 'node:http';
import type { Clock } from '../clock.ts';
import type { Config } from '../config.ts';
import type { LiveFeed } from '../live-feed.ts';
import type { Mailer } from '../mailer.ts';
import type { Account, Entry, Session, Site, Store } from '../store/store.ts';
import type { Role } from './access.ts';
import type { Assets } from './assets.ts';
import type { Tracker } from './snippets.ts';
import type { Throttle } from './throttle.ts';

/** What the dashboard works with, handed in. */
export interface Parts {
  store: Store;
  clock: Clock;
  config: Config;
  feed: LiveFeed;
  assets: Assets;
  tracker: Tracker;
  /** Opens the first account; null where nobody was given one. */
  setupToken: string | null;
  throttle: Throttle;
  /** Null: no mail is sent, and links are shown instead. */
  mailer: Mailer | null;
  /** What the collector would make of a page view by this browser, without storing anything. */
  rehearse: (site: Site, request: { ip: string; headers: IncomingHttpHeaders }) => Promise<Rehearsal>;
}

/** What would have become of a page view, and the row that would have been stored; null where there is none. */
export interface Rehearsal {
  outcome: string;
  entry: Entry | null;
}

/** Somebody signed in. */
export interface Person {
  account: Account;
  session: Session;
}

/** What every page of a visit is drawn into. */
export interface Frame {
  style: string;
  script: string;
  /** Of whoever is signed in. */
  email: string | null;
  /** For the forms of this page. */
  csrf: string;
  /** Path of the page. */
  path: string;
}

/** A request as the pages see it. */
export interface Visit {
  /** Path and query. */
  address: string;
  params: Readonly<Record<string, string | undefined>>;
  query: URLSearchParams;
  /** The fields of the form that was sent; empty for a GET. */
  form: URLSearchParams;
  /** Whom the request is taken to be from. */
  clientAddress: string;
  /** Whoever the connection is from: the same, or a proxy. */
  peerAddress: string;
  userAgent: string;
  /** The address under which the browser, or the settings, reach this server; no slash at the end. */
  baseUrl: string;
  headers: IncomingHttpHeaders;
  /** What an earlier `unlock` gave. */
  unlocked: string | null;
  person: Person | null;
  frame: Frame;
}

export interface PersonalVisit extends Visit {
  person: Person;
}

export interface SiteVisit extends PersonalVisit {
  site: Site;
  role: Role;
}

/** What a page answers. */
export type Answer =
  | { kind: 'html'; html: string; status?: number }
  /** `unlock`: shows from now on that the password of a public link was known. */
  | { kind: 'redirect'; to: string; cookie?: SessionCookie; unlock?: string }
  | { kind: 'file'; name: string; type: string; body: string | AsyncIterable<string> }
  | { kind: 'json'; body: unknown }
  | { kind: 'stream'; open: (send: (event: StreamEvent) => void) => (() => void) | null };

/** One message of a stream of server-sent events. */
export interface StreamEvent {
  id: number;
  data: unknown;
}

/** A session that starts, or null to end the one there is. */
export type SessionCookie = { token: string; maxAgeSeconds: number } | null;

/** A page that is not there, or not for this person: the two are not told apart. */
export class NotFound extends Error {
  override readonly name = 'NotFound';
}
