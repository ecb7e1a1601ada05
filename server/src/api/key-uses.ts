import { MINUTE_MS, SECOND_MS } from '../domain/clock.ts';
import type { ApiKey, Registry } from '../store/contract/store.ts';

/** The most keys whose last use is cached. At the limit the cache is cleared, and each key's next use is written again. */
const MAX_CACHED_KEYS = 10_000;
/** How long uses wait to be written together, which saves a disk flush for each. */
const WRITTEN_AFTER_MS = SECOND_MS;

/** Records when each API key was last used, at most once a minute, so that a busy key does not cause a write per request. */
export class KeyUses {
  readonly #registry: Pick<Registry, 'noteApiKeyUses'>;
  readonly #notedAtMs = new Map<string, number>();
  #waiting = new Map<string, number>();
  #timer: NodeJS.Timeout | null = null;

  constructor(registry: Pick<Registry, 'noteApiKeyUses'>) {
    this.#registry = registry;
  }

  note({ id, lastUsedAtMs }: ApiKey, nowMs: number): void {
    const lastMs = Math.max(this.#notedAtMs.get(id) ?? 0, lastUsedAtMs ?? 0);
    if (nowMs - lastMs < MINUTE_MS) return;
    if (this.#notedAtMs.size >= MAX_CACHED_KEYS) this.#notedAtMs.clear();
    this.#notedAtMs.set(id, nowMs);
    this.#waiting.set(id, nowMs);
    if (this.#waiting.size >= MAX_CACHED_KEYS) this.write();
    else this.#timer ??= setTimeout(() => this.write(), WRITTEN_AFTER_MS);
  }

  /** Writes waiting uses. Never fails: if the registry is unavailable, the next use of each key is written. */
  async write(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#waiting.size === 0) return;
    const uses = this.#waiting;
    this.#waiting = new Map();
    try {
      await this.#registry.noteApiKeyUses(uses);
    } catch {
      for (const id of uses.keys()) this.#notedAtMs.delete(id);
    }
  }
}
