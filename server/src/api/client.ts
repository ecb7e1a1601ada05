import type { ErrorBody, ErrorCode } from '../errors.ts';
import type { ReportedEvent } from '../reported-event.ts';
import type { Breakdown, BreakdownItem, BreakdownQuery } from './breakdown.ts';
import type { EventItem, EventList, EventsQuery } from './events.ts';
import type { Ledger, LedgerItem, LedgerQuery } from './ledger.ts';
import type { Realtime } from './realtime.ts';
import type { ReportAnswer } from './report.ts';
import type { SiteDetail } from './site.ts';
import type { SiteList } from './sites.ts';
import type { Stats, StatsQuery } from './stats.ts';
import type { Timeseries, TimeseriesQuery } from './timeseries.ts';
import type { Usage } from './usage.ts';

/**
 * The API from TypeScript: a thin wrapper around `fetch` whose types are those of the endpoints' schemas. Imports nothing at
 * run time, so that the compiled file can be copied into another project.
 */

/** An error of the API, with its code from the table. */
export class AttractosError extends Error {
  override readonly name = 'AttractosError';
  readonly status: number;
  readonly code: ErrorCode;
  /** Seconds after which trying again makes sense. */
  readonly retryAfterSeconds: number | undefined;

  constructor(status: number, body: ErrorBody) {
    super(body.error);
    this.status = status;
    this.code = body.code;
    this.retryAfterSeconds = body.retry_after;
  }
}

/** What a client needs to know. */
export interface ClientOptions {
  /** Address of the installation, such as https://stats.example */
  url: string;
  apiKey: string;
  /** In place of the global one: for retries, a proxy, tests. */
  fetch?: typeof fetch;
}

type Query = Readonly<Record<string, string | number | readonly string[] | undefined>>;
type Page = { next_cursor: string | null };

export class AttractosClient {
  readonly #url: string;
  readonly #apiKey: string;
  readonly #fetch: typeof fetch;

  constructor({ url, apiKey, fetch: given }: ClientOptions) {
    this.#url = url.replace(/\/+$/, '');
    this.#apiKey = apiKey;
    this.#fetch = given ?? fetch;
  }

  sites(): Promise<SiteList> {
    return this.#get('/sites');
  }

  usage(): Promise<Usage> {
    return this.#get('/usage');
  }

  site(siteId: string): Promise<SiteDetail> {
    return this.#get(pathOf(siteId, ''));
  }

  stats(siteId: string, query: StatsQuery = {}): Promise<Stats> {
    return this.#get(pathOf(siteId, '/stats'), query);
  }

  timeseries(siteId: string, query: TimeseriesQuery = {}): Promise<Timeseries> {
    return this.#get(pathOf(siteId, '/timeseries'), query);
  }

  events(siteId: string, query: EventsQuery = {}): Promise<EventList> {
    return this.#get(pathOf(siteId, '/events'), query);
  }

  breakdown(siteId: string, query: BreakdownQuery): Promise<Breakdown> {
    return this.#get(pathOf(siteId, '/breakdown'), query);
  }

  ledger(siteId: string, query: LedgerQuery = {}): Promise<Ledger> {
    return this.#get(pathOf(siteId, '/ledger'), query);
  }

  realtime(siteId: string): Promise<Realtime> {
    return this.#get(pathOf(siteId, '/realtime'));
  }

  /** Every event of a period, fetched page by page as they are read. */
  eachEvent(siteId: string, query: EventsQuery = {}): AsyncGenerator<EventItem> {
    return each(
      (cursor) => this.events(siteId, { limit: 1000, ...query, ...cursor }),
      ({ events }) => events,
    );
  }

  /** Every row of a breakdown, fetched page by page as they are read. */
  eachRow(siteId: string, query: BreakdownQuery): AsyncGenerator<BreakdownItem> {
    return each(
      (cursor) => this.breakdown(siteId, { limit: 1000, ...query, ...cursor }),
      ({ breakdown }) => breakdown,
    );
  }

  /** Every line of the ledger, fetched page by page as they are read. */
  eachLine(siteId: string, query: LedgerQuery = {}): AsyncGenerator<LedgerItem> {
    return each(
      (cursor) => this.ledger(siteId, { limit: 1000, ...query, ...cursor }),
      ({ ledger }) => ledger,
    );
  }

  /** Reports events from a server. Needs a key with the scope `write`. */
  report(siteId: string, events: ReportedEvent | readonly ReportedEvent[]): Promise<ReportAnswer> {
    return this.#ask('POST', pathOf(siteId, '/events'), events);
  }

  #get<Answer>(path: string, query: Query = {}): Promise<Answer> {
    const search = new URLSearchParams();
    for (const [name, value] of Object.entries(query)) {
      if (value === undefined) continue;
      for (const one of Array.isArray(value) ? value : [value]) search.append(name, String(one));
    }
    return this.#ask('GET', search.size === 0 ? path : `${path}?${search}`);
  }

  async #ask<Answer>(method: string, path: string, body?: unknown): Promise<Answer> {
    const response = await this.#fetch(`${this.#url}/api/v1${path}`, {
      method,
      headers: {
        authorization: `Bearer ${this.#apiKey}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const answer: unknown = await response.json();
    if (!response.ok) throw new AttractosError(response.status, answer as ErrorBody); // every error has this one shape
    return answer as Answer; // as the endpoint's schema says; the server's tests hold it to that
  }
}

function pathOf(siteId: string, rest: string): string {
  return `/sites/${encodeURIComponent(siteId)}${rest}`;
}

async function* each<Answer extends Page, Row>(
  ask: (cursor: { cursor?: string }) => Promise<Answer>,
  rowsOf: (answer: Answer) => readonly Row[],
): AsyncGenerator<Row> {
  for (let cursor: { cursor?: string } | null = {}; cursor !== null; ) {
    const answer: Answer = await ask(cursor);
    yield* rowsOf(answer);
    cursor = answer.next_cursor === null ? null : { cursor: answer.next_cursor };
  }
}
