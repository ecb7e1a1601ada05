import type { Static, TObject, TSchema } from 'typebox';
import type { Clock } from '../domain/clock.ts';
import type { ErrorCode } from '../domain/errors.ts';
import type { Account, ApiKey, AskedReports, Site, Store } from '../store/contract/store.ts';

/**
 * The definition of an endpoint. The routes, the OpenAPI document, the reference page and the MCP tools are all generated from
 * it, so that they cannot disagree.
 */

/** The dependencies of an endpoint that answers an account's request. */
export interface RequestContext {
  store: Pick<Store, 'registry' | 'events'> & { reports: AskedReports };
  clock: Clock;
  account: Account;
  key: ApiKey;
  /** The sites that the key has access to, oldest first. */
  sites(): Promise<readonly Site[]>;
}

export interface SiteRequestContext extends RequestContext {
  site: Site;
  /** The time zone in which the site's days begin. */
  timeZone: string;
}

interface Described<Query extends TObject, Answer extends TSchema> {
  /** The operation ID in the OpenAPI document. */
  name: string;
  /** The path below `/api`, with `{id}` for the site. */
  path: string;
  summary: string;
  description: string;
  /** The query parameters. Others are refused, unless `ignoresQuery` is set. */
  query: Query;
  ignoresQuery?: boolean;
  answer: Answer;
  /** The errors of this endpoint, in addition to those of every endpoint. */
  errors: readonly ErrorCode[];
  /** The response's list property that is also available as CSV. */
  rows?: string;
}

/** An endpoint about the whole account. */
export interface AccountEndpoint<Query extends TObject = TObject, Answer extends TSchema = TSchema>
  extends Described<Query, Answer> {
  about: 'account';
  run(context: RequestContext, query: Static<Query>): Promise<Static<Answer>>;
}

/** An endpoint about one site of the account. */
export interface SiteEndpoint<Query extends TObject = TObject, Answer extends TSchema = TSchema>
  extends Described<Query, Answer> {
  about: 'site';
  run(context: SiteRequestContext, query: Static<Query>): Promise<Static<Answer>>;
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
