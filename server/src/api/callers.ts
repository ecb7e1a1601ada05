import { ApiError } from '../errors.ts';
import { digestApiKey } from '../keys.ts';
import type { Registry, Site } from '../store/store.ts';
import { type Caller, reaches } from './auth.ts';

const BEARER = /^Bearer +(\S+) *$/i;

/** Callers held in memory, and sites of theirs; when there are more, all are read anew. */
const CALLERS_HELD = 10_000;
const SITES_HELD = 20_000;
/** A header of this many characters has room for a key; longer ones are full of blanks, and not held. */
const HEADER_HELD_MAX_CHARS = 100;

type CallersRegistry = Pick<Registry, 'apiKeyByHash' | 'accountById' | 'sitesOf' | 'changes'>;

/**
 * Finds who asks. Where the registry can say that nothing has changed, it is asked that and nothing else: the caller, his key
 * and his sites are the very same objects as the last time.
 */
export class Callers {
  readonly #registry: CallersRegistry;
  /** By the header as it is sent: to hash the key in it would cost more than all the rest of looking it up. */
  readonly #byHeader = new Map<string, Caller>();
  #sites = new WeakMap<Caller, readonly Site[]>();
  #sitesHeld = 0;
  /** As of which everything that is held was read. */
  #changes: number | undefined;

  constructor(registry: CallersRegistry) {
    this.#registry = registry;
  }

  /**
   * The account and key that an Authorization header speaks for.
   *
   * @throws ApiError MISSING_KEY (no header), INVALID_KEY (not one of ours, or revoked), USER_NOT_FOUND (its account is gone)
   */
  async of(header: string | undefined): Promise<Caller> {
    if (header === undefined || header.trim() === '') throw new ApiError('MISSING_KEY');
    if (this.#byHeader.has(header)) {
      this.#forgetWhatChanged();
      const held = this.#byHeader.get(header);
      if (held !== undefined) return held;
    }
    // What cannot be a key is refused without asking anybody.
    const digest = digestApiKey(BEARER.exec(header)?.[1] ?? '');
    if (digest === null) throw new ApiError('INVALID_KEY');
    const changes = this.#forgetWhatChanged();
    const caller = await this.#read(digest.hash);
    // Somebody else may have seen a change while this was read.
    if (changes !== undefined && changes === this.#changes && header.length <= HEADER_HELD_MAX_CHARS) {
      if (this.#byHeader.size >= CALLERS_HELD) this.#forget();
      this.#byHeader.set(header, caller);
    }
    return caller;
  }

  /** The sites that a caller's key reaches, oldest first, as of when the caller was asked for. */
  async sitesOf(caller: Caller): Promise<readonly Site[]> {
    const held = this.#sites.get(caller);
    if (held !== undefined) return held;
    const changes = this.#changes;
    const all = await this.#registry.sitesOf(caller.account.id);
    const sites = all.filter(({ id }) => reaches(caller.key, id));
    if (changes !== undefined && changes === this.#changes) {
      if (this.#sitesHeld + sites.length > SITES_HELD) this.#forgetSites();
      this.#sites.set(caller, sites);
      this.#sitesHeld += sites.length;
    }
    return sites;
  }

  async #read(hash: string): Promise<Caller> {
    const key = await this.#registry.apiKeyByHash(hash);
    if (key === null || key.revokedAtMs !== null) throw new ApiError('INVALID_KEY');
    const account = await this.#registry.accountById(key.accountId);
    if (account === null) throw new ApiError('USER_NOT_FOUND');
    return { account, key };
  }

  /** @returns how many changes there have been; undefined where nobody can say */
  #forgetWhatChanged(): number | undefined {
    const changes = this.#registry.changes?.();
    if (changes !== this.#changes) this.#forget();
    this.#changes = changes;
    return changes;
  }

  #forget(): void {
    this.#byHeader.clear();
    this.#forgetSites();
  }

  #forgetSites(): void {
    this.#sites = new WeakMap();
    this.#sitesHeld = 0;
  }
}
