import { SECOND_MS } from '../../domain/clock.ts';
import { type Asker, StoreBusy, StoreUnavailable } from '../contract/store.ts';

/** Questions of one asker that may wait. The report of a site with a hundred goals asks about 130 at once. */
export const WAITING_PER_ASKER_MAX = 500;
/** Questions of all askers that may wait. */
export const WAITING_MAX = 2_000;
/** How long a question may wait for its turn. */
const WAIT_MAX_MS = 20 * SECOND_MS;
/** How long a question may take from when its turn comes. */
const ANSWER_MAX_MS = 60 * SECOND_MS;
/** The same while others wait. It is shorter than their wait, so that one long question does not use that up. */
const ANSWER_MAX_WHILE_OTHERS_WAIT_MS = 15 * SECOND_MS;
/** How often the time that a question takes is checked. */
const CHECK_MS = SECOND_MS;

/** How many questions are answered at the same time. */
export interface FairLimits {
  atOnce: number;
  atOncePerParty: number;
}

/** Answers a question. It should reject soon after the signal aborts. */
type Work<T> = (signal: AbortSignal) => Promise<T>;

interface Question {
  start(): Promise<void>;
  /** Takes the question out of the queue, or interrupts it. It then rejects with the reason. */
  end(reason: unknown): void;
}

/** An account, or all public links together: many links, or many readers of them, get no more than one account does. */
interface Party {
  readonly shares: Map<string, Share>;
  /** The time that the party's questions have taken. */
  usedMs: number;
  running: number;
  waiting: number;
  /** The time that the asker of the party whose turn came last had used. */
  floorMs: number;
}

interface Share {
  readonly party: Party;
  /** The time that the asker's questions have taken. */
  usedMs: number;
  running: number;
  /** Oldest first. */
  readonly waiting: Set<Question>;
}

/** The key of the party of all public links. No account has such an id. */
const PUBLIC_LINKS = 'public links';

/**
 * Shares an engine between askers. The next question is one of the party whose questions have taken the least time so far, and in
 * it, of such an asker. So a few long questions of one delay many short ones of others no more than one of them takes.
 */
export class FairQueue {
  readonly #limits: FairLimits;
  readonly #now: () => number;
  readonly #parties = new Map<string, Party>();
  #waiting = 0;
  #running = 0;
  /** The time that the party whose turn came last had used. Who was away begins here, and has no time saved up. */
  #floorMs = 0;

  constructor(limits: FairLimits, now: () => number = () => performance.now()) {
    this.#limits = limits;
    this.#now = now;
  }

  /**
   * Answers a question when its turn comes.
   *
   * @param by.signal takes the question out of the queue, or ends it; it then rejects at once with the signal's reason
   * @throws StoreBusy if too many questions wait, or this one waited too long; StoreUnavailable if it took too long
   */
  run<T>(by: Asker, work: Work<T>): Promise<T> {
    const { signal } = by;
    if (signal?.aborted) return Promise.reject(signal.reason);
    const share = this.#shareOf(by);
    if (!this.#hasRoomFor(share)) return Promise.reject(this.#tooMany());
    const answered = new Promise<T>((resolve, reject) => {
      const ending = new AbortController();
      const end = (reason: unknown) => {
        this.#withdraw(share, question);
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
        timer = this.#watch(share.party, end);
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
      const question = { start, end };
      share.waiting.add(question);
      share.party.waiting += 1;
      this.#waiting += 1;
      this.#startNext();
    });
    // A handler that failed waits for none of its questions any more, and their end is no unhandled rejection.
    signal?.addEventListener('abort', () => answered.catch(() => undefined), { once: true });
    return answered;
  }

  /** Ends a question of a party that takes too long. @returns the timer, to be cleared when the question has ended */
  #watch(party: Party, end: (reason: unknown) => void): NodeJS.Timeout {
    let tookMs = 0;
    return setInterval(() => {
      tookMs += CHECK_MS;
      const othersWait = this.#waiting > party.waiting;
      if (tookMs < (othersWait ? ANSWER_MAX_WHILE_OTHERS_WAIT_MS : ANSWER_MAX_MS)) return;
      const seconds = tookMs / SECOND_MS;
      end(
        new StoreUnavailable(`a report took ${seconds} seconds${othersWait ? ' while others waited' : ''}`),
      );
    }, CHECK_MS);
  }

  /**
   * Returns whether one more question of an asker may wait. If the queue is full, the party with the most questions makes room, so
   * that no one who asks little is refused because others ask much.
   */
  #hasRoomFor(share: Share): boolean {
    if (share.waiting.size >= WAITING_PER_ASKER_MAX) return false;
    if (this.#waiting < WAITING_MAX) return true;
    const party = mostWaiting(this.#parties.values(), ({ waiting }) => waiting);
    const largest = mostWaiting(party?.shares.values() ?? [], ({ waiting }) => waiting.size);
    const newest = [...(largest?.waiting ?? [])].at(-1);
    const asksLess =
      share.party === party
        ? share.waiting.size < (largest?.waiting.size ?? 0)
        : share.party.waiting < (party?.waiting ?? 0);
    if (asksLess) newest?.end(this.#tooMany());
    return asksLess;
  }

  #tooMany(): StoreBusy {
    return new StoreBusy(`too many reports are waiting (${this.#waiting})`);
  }

  #shareOf({ asker, isPublicLink = false }: Asker): Share {
    const key = isPublicLink ? PUBLIC_LINKS : asker;
    const party = this.#parties.get(key) ?? {
      shares: new Map(),
      ...{ usedMs: 0, running: 0, waiting: 0, floorMs: 0 },
    };
    if (isIdleParty(party)) party.usedMs = Math.max(party.usedMs, this.#floorMs);
    this.#parties.set(key, party);
    const share = party.shares.get(asker) ?? { party, usedMs: 0, running: 0, waiting: new Set() };
    if (isIdle(share)) share.usedMs = Math.max(share.usedMs, party.floorMs);
    party.shares.set(asker, share);
    return share;
  }

  #withdraw(share: Share, question: Question): void {
    if (!share.waiting.delete(question)) return;
    share.party.waiting -= 1;
    this.#waiting -= 1;
  }

  #startNext(): void {
    while (this.#running < this.#limits.atOnce) {
      const share = this.#nextShare();
      const [question] = share?.waiting ?? [];
      if (share === undefined || question === undefined) return;
      void this.#answer(share, question);
    }
  }

  async #answer(share: Share, question: Question): Promise<void> {
    const { party } = share;
    this.#withdraw(share, question);
    this.#floorMs = Math.max(this.#floorMs, party.usedMs);
    party.floorMs = Math.max(party.floorMs, share.usedMs);
    share.running += 1;
    party.running += 1;
    this.#running += 1;
    const startedMs = this.#now();
    await question.start();
    const tookMs = this.#now() - startedMs;
    share.usedMs += tookMs;
    party.usedMs += tookMs;
    share.running -= 1;
    party.running -= 1;
    this.#running -= 1;
    this.#forgetIdle();
    this.#startNext();
  }

  /** Returns the share whose turn it is. Of equals, it is the one with fewer questions running, then the older one. */
  #nextShare(): Share | undefined {
    let next: Share | undefined;
    for (const party of this.#parties.values()) {
      if (party.waiting === 0 || party.running >= this.#limits.atOncePerParty) continue;
      for (const share of party.shares.values())
        if (share.waiting.size > 0 && (next === undefined || comesBefore(share, next))) next = share;
    }
    return next;
  }

  /** Forgets parties and askers without questions who would begin at the floor anyway. */
  #forgetIdle(): void {
    const isQuiet = this.#waiting === 0 && this.#running === 0;
    for (const [key, party] of this.#parties) {
      for (const [asker, share] of party.shares)
        if (isIdle(share) && (isQuiet || share.usedMs <= party.floorMs)) party.shares.delete(asker);
      if (isIdleParty(party) && (isQuiet || party.usedMs <= this.#floorMs)) this.#parties.delete(key);
    }
    if (isQuiet) this.#floorMs = 0;
  }
}

function isIdleParty({ running, waiting }: Party): boolean {
  return running === 0 && waiting === 0;
}

function isIdle({ running, waiting }: Share): boolean {
  return running === 0 && waiting.size === 0;
}

/** Compares by what the party has used and runs, then by what the asker has used and runs. */
function comesBefore(a: Share, b: Share): boolean {
  const difference =
    a.party.usedMs - b.party.usedMs ||
    a.party.running - b.party.running ||
    a.usedMs - b.usedMs ||
    a.running - b.running;
  return difference < 0;
}

function mostWaiting<T>(all: Iterable<T>, waiting: (each: T) => number): T | undefined {
  let most: T | undefined;
  for (const each of all) if (most === undefined || waiting(each) > waiting(most)) most = each;
  return most;
}
