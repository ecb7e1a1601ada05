import { describe, expect, it } from 'vitest';
import { RateLimiter } from '../src/app/rate-limiter.ts';
import { NOON_MS, TestClock } from './support/clock.ts';

/** The rate limiter of a single process. */

const WINDOWS_MAX = 50_000;
const LIMIT = { limit: 10, windowMs: 1_000 };

const login = (of: string) => ({ kind: 'login', of });

describe('attempts', () => {
  it('tells the first attempt over the limit from later ones', async () => {
    const limiter = new RateLimiter(new TestClock(), undefined);
    const results = [];
    for (let i = 0; i < 13; i++) results.push(await limiter.tryConsume(login('ada'), LIMIT));
    expect(results.flatMap(({ isFirstRefusal }, i) => (isFirstRefusal ? [i] : []))).toEqual([10]);
  });

  it('counts attempts by key until the window ends, or until it is reset', async () => {
    const clock = new TestClock();
    const limiter = new RateLimiter(clock, undefined);
    for (let i = 1; i <= 3; i++) {
      expect(await limiter.tryConsume(login('ada'), LIMIT)).toEqual({
        ...{ allowed: true, isFirstRefusal: false, limit: 10, remaining: 10 - i },
        ...{ resetMs: NOON_MS + 1_000, retryAfterSeconds: 1 },
      });
    }
    expect(await limiter.tryConsume(login('grace'), LIMIT)).toMatchObject({ remaining: 9 });
    await limiter.reset(login('ada'));
    expect(await limiter.tryConsume(login('ada'), LIMIT)).toMatchObject({ remaining: 9 });
    clock.advance(1_000);
    expect(await limiter.tryConsume(login('grace'), LIMIT)).toMatchObject({
      remaining: 9,
      resetMs: NOON_MS + 2_000,
    });
  });

  it('refuses attempts over the limit until the window ends', async () => {
    const clock = new TestClock();
    const limiter = new RateLimiter(clock, undefined);
    const two = { limit: 2, windowMs: 10_000 };
    for (const allowed of [true, true, false, false])
      expect(await limiter.tryConsume(login('ada'), two)).toMatchObject({ allowed, retryAfterSeconds: 10 });
    clock.advance(9_999);
    expect(await limiter.tryConsume(login('ada'), two)).toMatchObject({
      allowed: false,
      remaining: 0,
      retryAfterSeconds: 1,
    });
    clock.advance(1);
    expect(await limiter.tryConsume(login('ada'), two)).toMatchObject({ allowed: true, remaining: 1 });
  });

  it('counts attempts in windows from the first attempt, or aligned to the clock', async () => {
    const limiter = new RateLimiter(new TestClock(NOON_MS + 300), undefined);
    expect(await limiter.tryConsume(login('ada'), LIMIT)).toMatchObject({ resetMs: NOON_MS + 1_300 });
    expect(await limiter.tryConsume(login('grace'), { ...LIMIT, alignedToClock: true })).toMatchObject({
      resetMs: NOON_MS + 1_000,
    });
  });

  it('counts attempts separately for subjects of any length', async () => {
    const limiter = new RateLimiter(new TestClock(), undefined);
    const [one, other] = [login(`${'x'.repeat(60_000)}a`), login(`${'x'.repeat(60_000)}b`)];
    for (let i = 1; i <= 3; i++)
      expect(await limiter.tryConsume(one, LIMIT)).toMatchObject({ remaining: 10 - i });
    expect(await limiter.tryConsume(other, LIMIT)).toMatchObject({ remaining: 9 });
    await limiter.reset(one);
    expect(await limiter.tryConsume(one, LIMIT)).toMatchObject({ remaining: 9 });
    expect(await limiter.tryConsume(other, LIMIT)).toMatchObject({ remaining: 8 });
  });

  it('forgets only the least recent of too many keys', async () => {
    const limiter = new RateLimiter(new TestClock(), undefined);
    for (const key of ['first', 'second', 'first']) await limiter.tryConsume(login(key), LIMIT);
    for (let i = 0; i < WINDOWS_MAX - 1; i++) await limiter.tryConsume(login(`flood ${i}`), LIMIT);
    expect(await limiter.tryConsume(login('first'), LIMIT)).toMatchObject({ remaining: 7 });
    expect(await limiter.tryConsume(login('second'), LIMIT)).toMatchObject({ remaining: 9 });
  });

  it('forgets no attempt because of a flood of another kind', async () => {
    const limiter = new RateLimiter(new TestClock(), undefined);
    const codes = { kind: 'second factor', of: 'ada' };
    await limiter.tryConsume(codes, LIMIT);
    for (let i = 0; i <= WINDOWS_MAX; i++) await limiter.tryConsume(login(`flood ${i}`), LIMIT);
    expect(await limiter.tryConsume(codes, LIMIT)).toMatchObject({ remaining: 8 });
    expect(await limiter.tryConsume(login('ada'), LIMIT)).toMatchObject({ remaining: 9 });
  });
});
