import { type Clock, DAY_MS, utcDay } from '../domain/clock.ts';
import { isRepeated, type SecurityDetails, type SecurityEvent } from '../domain/security-events.ts';
import type { Registry, SecurityCursor, SecurityEntry, SecurityVia } from '../store/contract/store.ts';

/**
 * The security log: each event is a line of the server's log, and an entry of the account's activity. It holds no address and no
 * user agent, only a country and a browser in two words.
 */

/** How long entries are kept. */
export const SECURITY_LOG_DAYS = 180;
/** The most entries of an account. Repeated ones, of which there are a few a day, are not counted. */
const ENTRIES_MAX = 500;
/** The number of entries of a page. */
const PAGE_ENTRIES = 50;

/** An event, and the account that it concerns; null for an attempt at an account that does not exist. */
export interface SecurityRecord {
  accountId: string | null;
  event: SecurityEvent;
  details?: SecurityDetails;
}

/** Records an event. It never fails, because the change that it records has been made. */
export type RecordEvent = (record: SecurityRecord) => Promise<void>;

/** Records nothing. */
export const recordNothing: RecordEvent = async () => undefined;

/** Who does something, and from where. */
export interface Actor {
  /** The account that is signed in; null if none is. */
  accountId: string | null;
  via: SecurityVia;
  browser: string | null;
  country: string | null;
  /** A pseudonym of the client's network, which is the same for one UTC day; null if there is none. It is logged, but not stored. */
  client: string | null;
}

/** The operator on the command line. */
export const OPERATOR: Actor = {
  ...{ accountId: null, via: 'command-line', browser: null, country: null, client: null },
};

/** A line of the server's log. */
export type SecurityLine = { event: SecurityEvent; account?: string } & Omit<Actor, 'accountId'> & {
    actor: string | null;
  } & SecurityDetails;

/** Writes security events to the server's log, and to the activity of accounts. */
export class SecurityLog {
  readonly #registry: Pick<Registry, 'addSecurityEntry'>;
  readonly #clock: Clock;
  readonly #log: (line: SecurityLine) => void;
  readonly #onFailure: (error: unknown) => void;

  /** @param onFailure called if an event that was logged could not be stored */
  constructor({
    registry,
    clock,
    log,
    onFailure,
  }: {
    registry: Pick<Registry, 'addSecurityEntry'>;
    clock: Clock;
    log: (line: SecurityLine) => void;
    onFailure: (error: unknown) => void;
  }) {
    this.#registry = registry;
    this.#clock = clock;
    this.#log = log;
    this.#onFailure = onFailure;
  }

  /** Records an event. It does not fail. */
  async record({ accountId, event, details = {} }: SecurityRecord, actor: Actor): Promise<void> {
    const { accountId: actorId, client, ...from } = actor;
    this.#log({
      event,
      ...(accountId === null ? {} : { account: accountId }),
      ...{ actor: actorId, client, ...from, ...details },
    });
    // The entries of a removed account are removed with it.
    if (accountId === null || event === 'account-removed') return;
    const atMs = this.#clock.now();
    // The operator is no stranger, and each link that they create matters.
    const repeatedOnDay = isRepeated(event) && from.via === 'dashboard' ? utcDay(atMs) : null;
    const entry = { accountId, event, atMs, repeatedOnDay, actorId, ...from, details };
    await this.#registry.addSecurityEntry(entry, ENTRIES_MAX).catch(this.#onFailure);
  }
}

/** A page of an account's activity, newest first, and where the next one begins; null if it is the last. */
export interface ActivityPage {
  entries: SecurityEntry[];
  older: string | null;
}

/** Lists the activity of an account. @param cursor the `older` of the page before; null for the newest entries */
export async function listAccountActivity(
  { registry, clock }: { registry: Pick<Registry, 'securityEntriesOf'>; clock: Clock },
  accountId: string,
  cursor: string | null,
): Promise<ActivityPage> {
  const found = await registry.securityEntriesOf(accountId, {
    sinceMs: clock.now() - SECURITY_LOG_DAYS * DAY_MS,
    before: cursor === null ? null : readCursor(cursor),
    limit: PAGE_ENTRIES + 1,
  });
  const entries = found.slice(0, PAGE_ENTRIES);
  const last = entries.at(-1);
  const hasMore = found.length > PAGE_ENTRIES && last !== undefined;
  return { entries, older: hasMore ? `${last.atMs}.${last.seq}` : null };
}

/** Reads a cursor; null, for the newest entries, if it is not one. */
function readCursor(text: string): SecurityCursor | null {
  const [, atMs, seq] = /^(\d{1,15})\.(\d{1,15})$/.exec(text) ?? [];
  return atMs === undefined || seq === undefined ? null : { atMs: Number(atMs), seq: Number(seq) };
}
