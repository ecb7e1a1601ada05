import { afterEach, describe, expect, it, vi } from 'vitest';
import { StoreBusy, StoreUnavailable } from '../src/store/contract/store.ts';
import {
  type FairLimits,
  FairQueue,
  WAITING_MAX,
  WAITING_PER_ASKER_MAX,
} from '../src/store/shared/fair-queue.ts';

/** An engine whose questions end when the test says so, on a clock of its own. */
class Engine {
  readonly queue: FairQueue;
  /** The questions that were started, in order. */
  readonly started: string[] = [];
  readonly #running: { name: string; end: () => void; signal: AbortSignal }[] = [];
  #nowMs = 0;

  constructor(limits: FairLimits = { atOnce: 1, atOncePerParty: 1 }) {
    this.queue = new FairQueue(limits, () => this.#nowMs);
  }

  /** Asks a question that is called `name`. */
  ask(asker: string, name: string, signal?: AbortSignal): Promise<string> {
    const by = { asker, isPublicLink: asker.startsWith('link'), ...(signal && { signal }) };
    return this.queue.run(by, (ending) => {
      this.started.push(name);
      return new Promise((resolve) => {
        this.#running.push({ name, end: () => resolve(name), signal: ending });
      });
    });
  }

  /** Ends the question that was started first, after it has taken some time, and lets the queue go on. */
  async end(tookMs = 1): Promise<void> {
    this.#nowMs += tookMs;
    this.#running.shift()?.end();
    await settled();
  }

  signalOf(name: string): AbortSignal | undefined {
    return this.#running.find((each) => each.name === name)?.signal;
  }
}

/** Lets promises that are resolved run their reactions. */
async function settled(): Promise<void> {
  for (let i = 0; i < 10; i++) await null;
}

const names = (prefix: string, count: number) => Array.from({ length: count }, (_, i) => `${prefix}${i + 1}`);

describe('the fair queue', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  it('lets askers take turns', async () => {
    const engine = new Engine();
    const all = [...names('a', 4), ...names('b', 2)].map((name) => engine.ask(name.charAt(0), name));
    for (let i = 0; i < 6; i++) await engine.end();
    expect(engine.started).toEqual(['a1', 'b1', 'a2', 'b2', 'a3', 'a4']);
    expect(await Promise.all(all)).toEqual(['a1', 'a2', 'a3', 'a4', 'b1', 'b2']);
  });

  it('prefers the asker whose questions have taken less time', async () => {
    const engine = new Engine();
    for (const name of [...names('a', 3), ...names('b', 3)]) void engine.ask(name.charAt(0), name);
    await engine.end(100);
    for (let i = 0; i < 3; i++) await engine.end(30);
    expect(engine.started).toEqual(['a1', 'b1', 'b2', 'b3', 'a2']);
  });

  it('gives no advantage to an asker who was away', async () => {
    const engine = new Engine();
    for (const name of names('a', 6)) void engine.ask('a', name);
    for (let i = 0; i < 3; i++) await engine.end(100);
    for (const name of names('b', 3)) void engine.ask('b', name);
    await engine.end(100);
    await engine.end(90);
    await engine.end(90);
    expect(engine.started.slice(4)).toEqual(['b1', 'b2', 'a5']);
  });

  it('remembers the time of an asker who asks one question after the other', async () => {
    const engine = new Engine();
    void engine.ask('a', 'a1');
    for (const name of names('b', 3)) void engine.ask('b', name);
    await engine.end(100);
    void engine.ask('a', 'a2');
    for (let i = 0; i < 3; i++) await engine.end(10);
    expect(engine.started).toEqual(['a1', 'b1', 'b2', 'b3', 'a2']);
  });

  it('answers several at once, but not all of one asker', async () => {
    const engine = new Engine({ atOnce: 3, atOncePerParty: 2 });
    for (const name of [...names('a', 4), ...names('b', 2)]) void engine.ask(name.charAt(0), name);
    expect(engine.started).toEqual(['a1', 'a2', 'b1']);
    await engine.end();
    expect(engine.started).toEqual(['a1', 'a2', 'b1', 'b2']);
  });

  it('goes on after a question that failed', async () => {
    const engine = new Engine();
    const failing = [
      engine.queue.run({ asker: 'a' }, () => Promise.reject(new StoreUnavailable('gone'))),
      engine.queue.run({ asker: 'a' }, () => {
        throw new TypeError('broken');
      }),
    ];
    void engine.ask('a', 'next');
    expect(await Promise.allSettled(failing)).toMatchObject([
      { reason: expect.any(StoreUnavailable) },
      { reason: expect.any(TypeError) },
    ]);
    await settled();
    expect(engine.started).toEqual(['next']);
  });

  it('takes out a question whose asker has gone', async () => {
    const engine = new Engine();
    const [gone, reason] = [new AbortController(), new Error('gone')];
    void engine.ask('a', 'a1');
    const waiting = engine.ask('a', 'a2', gone.signal);
    void engine.ask('a', 'a3');
    gone.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    await expect(engine.ask('a', 'late', gone.signal)).rejects.toBe(reason);
    await engine.end();
    expect(engine.started).toEqual(['a1', 'a3']);
  });

  it('ends questions that nobody waits for without an unhandled rejection', async () => {
    const engine = new Engine();
    const gone = new AbortController();
    for (const name of ['a1', 'a2']) void engine.ask('a', name, gone.signal);
    gone.abort(new Error('gone'));
    await settled();
    expect(engine.signalOf('a1')?.aborted).toBe(true);
  });

  it('ends a question whose asker has gone, and starts the next one once it has ended', async () => {
    const engine = new Engine();
    const [gone, reason] = [new AbortController(), new Error('gone')];
    const answer = engine.ask('a', 'a1', gone.signal);
    void engine.ask('b', 'b1');
    expect(engine.signalOf('a1')?.aborted).toBe(false);
    gone.abort(reason);
    expect(engine.signalOf('a1')?.reason).toBe(reason);
    await expect(answer).rejects.toBe(reason);
    expect(engine.started).toEqual(['a1']);
    await engine.end();
    expect(engine.started).toEqual(['a1', 'b1']);
    expect(engine.signalOf('b1')?.aborted).toBe(false);
  });

  it('refuses questions if too many of one asker wait', async () => {
    const engine = new Engine();
    void engine.ask('a', 'running');
    for (const name of names('a', WAITING_PER_ASKER_MAX)) void engine.ask('a', name);
    await expect(engine.ask('a', 'more')).rejects.toThrow(StoreBusy);
    void engine.ask('b', 'b1');
    await engine.end();
    expect(engine.started).toEqual(['running', 'b1']);
  });

  it('makes room for those who ask less if too many questions wait', async () => {
    const engine = new Engine();
    void engine.ask('a', 'running');
    const small = names('b', 300).map((name) => engine.ask('b', name));
    const large = ['c', 'd', 'e', 'f'].flatMap((asker) =>
      names(asker, asker === 'c' ? 500 : 400).map((name) => engine.ask(asker, name)),
    );
    const ended = Promise.allSettled(large);
    await expect(engine.ask('c', 'too many')).rejects.toThrow(StoreBusy);
    const welcome = engine.ask('new', 'welcome');
    for (let i = 0; i <= WAITING_MAX; i++) await engine.end();
    expect(await welcome).toBe('welcome');
    expect(await Promise.all(small)).toHaveLength(300);
    const refused = (await ended).flatMap(({ status }, i) => (status === 'rejected' ? [i] : []));
    expect(refused, 'the newest question of the one who asks most').toEqual([499]);
  });

  it('gives all public links together the turns of one account', async () => {
    const engine = new Engine();
    for (const link of names('link', 3)) for (const name of names(`${link} `, 2)) void engine.ask(link, name);
    for (const name of names('a', 3)) void engine.ask('a', name);
    for (let i = 0; i < 8; i++) await engine.end();
    expect(engine.started).toEqual([
      ...['link1 1', 'a1', 'link2 1', 'a2', 'link3 1', 'a3'],
      ...['link1 2', 'link2 2', 'link3 2'],
    ]);
  });

  it('answers public links one after the other if it answers as many at once as one account may have', async () => {
    const engine = new Engine({ atOnce: 3, atOncePerParty: 2 });
    for (const name of names('link', 4)) void engine.ask(name, name);
    void engine.ask('a', 'a1');
    expect(engine.started).toEqual(['link1', 'link2', 'a1']);
  });

  it('refuses none of an account if public links fill the queue', async () => {
    const engine = new Engine();
    const links = names('link', 50).flatMap((link) =>
      names(`${link} `, 50).map((name) => engine.ask(link, name)),
    );
    const ended = Promise.allSettled(links);
    const account = Promise.all(names('a', 200).map((name) => engine.ask('a', name)));
    for (let i = 0; i < 50 * 50 + 200; i++) await engine.end();
    expect(await account).toHaveLength(200);
    // One was started at once, before the queue was full.
    expect((await ended).filter(({ status }) => status === 'fulfilled')).toHaveLength(WAITING_MAX + 1 - 200);
  });

  it('refuses a question that waited too long', async () => {
    vi.useFakeTimers();
    const engine = new Engine();
    void engine.ask('a', 'a1').catch(() => undefined);
    const refused = expect(engine.ask('b', 'b1')).rejects.toThrow(StoreBusy);
    await vi.advanceTimersByTimeAsync(20_000);
    await refused;
    await engine.end();
    expect(engine.started).toEqual(['a1']);
  });

  it('ends a question that takes too long', async () => {
    vi.useFakeTimers();
    const engine = new Engine();
    void engine.ask('a', 'a1').catch(() => undefined);
    const late = expect(engine.ask('a', 'a2')).rejects.toThrow('took 60 seconds');
    await engine.end();
    await vi.advanceTimersByTimeAsync(59_000);
    expect(engine.signalOf('a2')?.aborted).toBe(false);
    await vi.advanceTimersByTimeAsync(1_000);
    await late;
    expect(engine.signalOf('a2')?.aborted).toBe(true);
  });

  it('ends a question sooner if others wait for it', async () => {
    vi.useFakeTimers();
    const engine = new Engine();
    const late = expect(engine.ask('a', 'a1')).rejects.toThrow('took 15 seconds while others waited');
    void engine.ask('b', 'b1');
    await vi.advanceTimersByTimeAsync(15_000);
    await late;
    expect(engine.signalOf('a1')?.aborted).toBe(true);
    await engine.end();
    expect(engine.started).toEqual(['a1', 'b1']);
  });
});
