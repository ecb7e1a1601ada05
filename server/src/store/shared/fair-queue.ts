import { SECOND_MS } from '../../domain/clock.ts';
import { StoreBusy, StoreUnavailable } from '../contract/store.ts';

/** Questions of one asker that may wait. The report of a site with a hundred goals asks about 130 at once. */
export const WAITING_PER_ASKER_MAX = 500;
/** Questions of all askers that may wait. */
export const WAITING_MAX = 2_000;
/** How long a question may wait for its turn. */
const WAIT_MAX_MS = 20 * SECOND_MS;
/** How long a question may take from when its turn comes. */
const ANSWER_MAX_MS = 60 * SECOND_MS;

/** How many questions are answered at the same time. */
export interface FairLimits {
  atOnce: number;
  atOncePerAsker: number;
}

/** Answers a question. It should reject soon after the signal aborts. */
type Work<T> = (signal: AbortSignal) => Promise<T>;

interface Share {
  /** The time that the asker's questions have taken. */
  usedMs: number;
  running: number;
  /** Functions that start the questions, oldest first. */
  readonly waiting: Set<() => Promise<void>>;
}

/**
 * Shares an engine between askers. The next question is one of the asker whose questions have taken the least time so far, so
 * that a few long questions of one delay many short ones of others no more than one of them takes.
 */
export class FairQueue {
  readonly #limits: FairLimits;
  readonly #now: () => number;
  readonly #shares = new Map<string, Share>();
  #waiting = 0;
  #running = 0;
  /** The time that the asker whose turn came last had used. Who was away begins here, and has no time saved up. */
  #floorMs = 0;

  constructor(limits: FairLimits, now: () => number = () => performance.now()) {
    this.#limits = limits;
    this.#now = now;
  }

  /**
   * Answers a question when its turn comes.
   *
   * @param signal takes the question out of the queue, or ends it; it then rejects at once with the signal's reason
   * @throws StoreBusy if too many questions wait, or this one waited too long; StoreUnavailable if it took too long
   */
  run<T>({ asker, signal }: { asker: string; signal?: AbortSignal | undefined }, work: Work<T>): Promise<T> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    const share = this.#shareOf(asker);
    if (share.waiting.size >= WAITING_PER_ASKER_MAX || this.#waiting >= WAITING_MAX)
      return Promise.reject(
        new StoreBusy(
          `too many reports are waiting (${share.waiting.size} of one asker, ${this.#waiting} in all)`,
        ),
      );
    const answered = new Promise<T>((resolve, reject) => {
      const ending = new AbortController();
      const end = (reason: unknown) => {
        this.#withdraw(share, start);
        settle();
        ending.abort(reason);
        reject(reason);
      };
      const onAbort = () => end(signal?.reason);
      const settle = () => {
        signal?.removeEventListener('abort', onAbort);
        clearTimeout(timer);
      };
      const start = async () => {
        clearTimeout(timer);
        timer = setTimeout(
          () => end(new StoreUnavailable(`a report took longer than ${ANSWER_MAX_MS / SECOND_MS} seconds`)),
          ANSWER_MAX_MS,
        );
        try {
          resolve(await work(ending.signal));
        } catch (error) {
          reject(error);
        }
        settle();
      };
      let timer = setTimeout(
        () => end(new StoreBusy(`a report waited longer than ${WAIT_MAX_MS / SECOND_MS} seconds`)),
        WAIT_MAX_MS,
      );
      signal?.addEventListener('abort', onAbort);
      share.waiting.add(start);
      this.#waiting += 1;
      this.#startNext();
    });
    // A handler that failed waits for none of its questions any more, and their end is no unhandled rejection.
    signal?.addEventListener('abort', () => answered.catch(() => undefined), { once: true });
    return answered;
  }

  #shareOf(asker: string): Share {
    const share = this.#shares.get(asker) ?? { usedMs: 0, running: 0, waiting: new Set() };
    if (isIdle(share)) share.usedMs = Math.max(share.usedMs, this.#floorMs);
    this.#shares.set(asker, share);
    return share;
  }

  #withdraw(share: Share, start: () => Promise<void>): void {
    if (share.waiting.delete(start)) this.#waiting -= 1;
  }

  #startNext(): void {
    while (this.#running < this.#limits.atOnce) {
      const share = this.#nextShare();
      const [start] = share?.waiting ?? [];
      if (share === undefined || start === undefined) return;
      void this.#answer(share, start);
    }
  }

  async #answer(share: Share, start: () => Promise<void>): Promise<void> {
    this.#withdraw(share, start);
    this.#floorMs = Math.max(this.#floorMs, share.usedMs);
    share.running += 1;
    this.#running += 1;
    const startedMs = this.#now();
    await start();
    share.usedMs += this.#now() - startedMs;
    share.running -= 1;
    this.#running -= 1;
    this.#forgetIdle();
    this.#startNext();
  }

  /** Returns the share whose turn it is. Of equals, it is the one with fewer questions running, then the older one. */
  #nextShare(): Share | undefined {
    let next: Share | undefined;
    for (const share of this.#shares.values()) {
      if (share.waiting.size === 0 || share.running >= this.#limits.atOncePerAsker) continue;
      if (
        next === undefined ||
        share.usedMs < next.usedMs ||
        (share.usedMs === next.usedMs && share.running < next.running)
      )
        next = share;
    }
    return next;
  }

  /** Forgets askers without questions who would begin at the floor anyway. */
  #forgetIdle(): void {
    const isQuiet = this.#waiting === 0 && this.#running === 0;
    for (const [asker, share] of this.#shares)
      if (isIdle(share) && (isQuiet || share.usedMs <= this.#floorMs)) this.#shares.delete(asker);
    if (isQuiet) this.#floorMs = 0;
  }
}

function isIdle({ running, waiting }: Share): boolean {
  return running === 0 && waiting.size === 0;
}
