import type { Static, TObject, TSchema } from 'typebox';
import type { Clock } from '../clock.ts';
import type { ErrorCode } from '../errors.ts';
import type { Account, ApiKey, Site, Store } from '../store/store.ts';
import type { Tagged } from './etag.ts';

/**
 * What an endpoint is: one value that the routes, the OpenAPI document, the reference page, the MCP tools and the client's
 * types are all made from, so that none of them can say what another does not.
 */

/** Who asks, of what, and when. */
export interface Asking {
  store: Pick<Store, 'registry' | 'events' | 'reports'>;
  clock: Clock;
  account: Account;
  key: ApiKey;
  /** The sites that the key reaches, oldest first: the very same list again, where it is known that nothing has changed. */
  sites(): Promise<readonly Site[]>;
}

export interface SiteAsking extends Asking {
  site: Site;
  /** In which the days of the site begin. */
  timeZone: string;
}

interface Described<Query extends TObject, Answer extends TSchema> {
  /** Its operation in the OpenAPI document, and its method in the client. */
  name: string;
  /** Below `/api`, with `{id}` for the site. */
  path: string;
  summary: string;
  description: string;
  /** What may stand in the query. Every other name is refused, except where `ignoresQuery` is set. */
  query: Query;
  ignoresQuery?: boolean;
  answer: Answer;
  /** Errors besides those that every endpoint has. */
  errors: readonly ErrorCode[];
  /** The property of the answer that is a list, and so can be had as CSV. */
  rows?: string;
  /** In place of writing an answer by `JSON.stringify`, and with the same text: where much of it was written before. */
  write?(answer: Static<Answer>): Tagged;
}

/** An endpoint about the whole account. */
export interface AccountEndpoint<Query extends TObject = TObject, Answer extends TSchema = TSchema>
  extends Described<Query, Answer> {
  about: 'account';
  run(asking: Asking, query: Static<Query>): Promise<Static<Answer>>;
}

/** An endpoint about one site of the account. */
export interface SiteEndpoint<Query extends TObject = TObject, Answer extends TSchema = TSchema>
  extends Described<Query, Answer> {
  about: 'site';
  run(asking: SiteAsking, query: Static<Query>): Promise<Static<Answer>>;
}

export type Endpoint = AccountEndpoint | SiteEndpoint;

export function accountEndpoint<Query extends TObject, Answer extends TSchema>(
  endpoint: Omit<AccountEndpoint<Query, Answer>, 'about'>,
): AccountEndpoint<Query, Answer> {
  return { about: 'account', ...endpoint };
}

export function siteEndpoint<Query extends TObject, Answer extends TSchema>(
  endpoint: Omit<SiteEndpoint<Query, Answer>, 'about'>,
): SiteEndpoint<Query, Answer> {
  return { about: 'site', ...endpoint };
}
