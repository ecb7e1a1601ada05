import { MINUTE_MS, SECOND_MS } from '../clock.ts';
import type { ApiKey, Registry } from '../store/store.ts';

/** Keys whose last use is remembered; the use of others is written anew. */
const KEYS_REMEMBERED = 10_000;
/** Uses wait this long to be written together: to put each on disk would hold up everybody else. */
const WRITTEN_AFTER_MS = SECOND_MS;

/** Writes down when keys were used, each at most once a minute: a busy key must not mean a write a request. */
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
    if (this.#notedAtMs.size >= KEYS_REMEMBERED) this.#notedAtMs.clear();
    this.#notedAtMs.set(id, nowMs);
    this.#waiting.set(id, nowMs);
    if (this.#waiting.size >= KEYS_REMEMBERED) this.write();
    else this.#timer ??= setTimeout(() => this.write(), WRITTEN_AFTER_MS);
  }

  /** Writes what waits. Never fails: a registry that is away is told with the next use of each key. */
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
