import { hash } from 'node:crypto';
import { type AttemptWindow, StoreUnavailable, type Tally } from './store/store.ts';

/** Names remembered; when there are more, those that tried least recently start afresh. */
const NAMES_MAX = 50_000;
/** Longer names, which only a forger has, are remembered by their hash. */
const NAME_MAX_CHARS = 300;

/**
 * Counts what somebody tries within a window of time: what rate limits and throttles are made of. Exact over all processes
 * where they share a tally that answers. Where it does not, each process counts by itself, and the limit holds per process.
 */
export class Attempts {
  readonly #tally: Tally | undefined;
  readonly #windows = new Map<string, AttemptWindow>();

  /** @param tally shared by all processes of the installation; none where there is only this one */
  constructor(tally: Tally | undefined) {
    this.#tally = tally;
  }

  /**
   * Counts an attempt in the window that is open for a name, else in one that ends at `endsMs`.
   *
   * @param limit attempts beyond this need not be told to the other processes
   * @returns the window, with this attempt in it
   */
  async add(
    name: string,
    { limit, atMs, endsMs }: { limit: number; atMs: number; endsMs: number },
  ): Promise<Readonly<AttemptWindow>> {
    const own = this.#windowOf(name, atMs, endsMs);
    own.attempts += 1;
    // Who is over the limit by what is known here costs the database nothing.
    if (this.#tally === undefined || own.attempts > limit) return { ...own };
    try {
      const shared = await this.#tally.add(name, atMs, endsMs);
      own.attempts = Math.max(own.attempts, shared.attempts);
      own.endsMs = shared.endsMs;
      return { ...shared };
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error;
      return { ...own };
    }
  }

  /** Forgets what a name tried. Where the tally is away it stands there until its window ends. */
  async forget(name: string, atMs: number): Promise<void> {
    this.#windows.delete(short(name));
    try {
      await this.#tally?.forget(name, atMs);
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error;
    }
  }

  #windowOf(whole: string, atMs: number, endsMs: number): AttemptWindow {
    const name = short(whole);
    const known = this.#windows.get(name);
    this.#windows.delete(name); // re-inserted at the end, so that the first is the one that tried least recently
    // A window that ends later than one opened now was opened before the clock was set back.
    const isOpen = known !== undefined && known.endsMs > atMs && known.endsMs <= endsMs;
    const window = isOpen ? known : { attempts: 0, endsMs };
    this.#windows.set(name, window);
    if (this.#windows.size > NAMES_MAX) this.#windows.delete(this.#windows.keys().next().value ?? '');
    return window;
  }
}

function short(name: string): string {
  return name.length > NAME_MAX_CHARS ? hash('sha256', name) : name;
}
