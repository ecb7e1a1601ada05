import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../src/domain/clock.ts';
import { HOURS_LEARNED, type HourCount, silencesIn } from '../src/domain/silences.ts';
import { signedIn } from './support/dashboard-person.ts';
import { event } from './support/entries.ts';
import { type RunningServer, World } from './support/world.ts';

/** What interrupted the counting of a site: hours that are silent against its habit, and events that the server lost. */

const DAYS_LEARNED = HOURS_LEARNED / 24;

/** Returns hours of days with the given visits each: none at night, and `visits` from 8:00 to 20:00 unless it is silent. */
function days(
  count: number,
  visits: (day: number) => number,
  silent: (day: number, hour: number) => boolean,
) {
  return Array.from({ length: count * 24 }, (_, i): HourCount => {
    const [day, hour] = [Math.floor(i / 24), i % 24];
    const isAwake = hour >= 8 && hour < 20 && !silent(day, hour);
    return isAwake ? { events: visits(day) * 3, visits: visits(day) } : { events: 0, visits: 0 };
  });
}

describe('a silence', () => {
  const last = DAYS_LEARNED;
  const at = (day: number, hour: number) => day * 24 + hour;

  it('is a time without events in which visits are usual', () => {
    const hours = days(
      last + 2,
      () => 10,
      (day, hour) => day === last && hour >= 10 && hour < 13,
    );
    expect(silencesIn(hours)).toEqual([{ first: at(last, 10), hours: 3, usual: 30 }]);
  });

  it('includes a night around which nothing came, and may last until now', () => {
    const hours = days(
      last + 2,
      () => 10,
      (day, hour) => (day === last && hour >= 15) || day > last,
    );
    expect(silencesIn(hours)).toEqual([{ first: at(last, 15), hours: 33, usual: 170 }]);
  });

  it.each<[string, readonly HourCount[]]>([
    [
      'a night',
      days(
        last + 3,
        () => 10,
        () => false,
      ),
    ],
    [
      'two hours',
      days(
        last + 1,
        () => 50,
        (day, hour) => day === last && hour >= 10 && hour < 12,
      ),
    ],
    [
      'hours of few visits',
      days(
        last + 1,
        () => 6,
        (day, hour) => day === last && hour >= 10 && hour < 13,
      ),
    ],
    [
      'a weekend',
      days(
        last + 7,
        (day) => (day % 7 < 5 ? 10 : 0),
        () => false,
      ),
    ],
    [
      'the end of a site that lost its visitors',
      days(
        last + 2,
        (day) => (day < 10 ? 50 : 0),
        () => false,
      ),
    ],
    [
      'hours that are only learned from',
      days(
        last,
        () => 10,
        (day, hour) => day === 9 && hour < 18,
      ),
    ],
    [
      'hours with events, even without a new visit',
      days(
        last + 1,
        () => 10,
        () => false,
      ).map((hour, i) => (i >= at(last, 9) ? { events: 1, visits: 0 } : hour)),
    ],
    ['nothing', []],
  ])('is not %s', (_, hours) => {
    expect(silencesIn(hours)).toEqual([]);
  });
});

describe('a report', () => {
  let world: World;
  let server: RunningServer;
  beforeAll(async () => {
    world = await World.open();
    server = await world.serve();
  });
  afterAll(() => world.close());

  it('notes the hours without events, and what the server lost', async () => {
    const account = await world.addAccount();
    const site = await world.addSite(account, 'silent.example');
    const begin = world.clock.now();
    const firstDay = Math.ceil(begin / DAY_MS);
    const today = firstDay + DAYS_LEARNED + 2;
    let visitor = 0n;
    const appended: Promise<unknown>[] = [];
    const visitsAt = (atMs: number, visits: number) => {
      for (let i = 0; i < visits; i++)
        appended.push(
          world.store.events.append(
            event({ siteId: site.id, receivedAtMs: atMs + i * MINUTE_MS, visitor: ++visitor }),
          ),
        );
    };
    for (let day = firstDay; day < today; day++)
      for (let hour = 10; hour < 18; hour++) {
        const isSilent = day === today - 2 && hour >= 12 && hour < 16;
        if (!isSilent) visitsAt(day * DAY_MS + hour * HOUR_MS, 6);
      }
    await Promise.all(appended);
    const refuse = (reason: 'busy' | 'wrong-domain', atMs: number) =>
      world.store.events.refuse({
        siteId: site.id,
        siteKey: null,
        reason,
        host: 'silent.example',
        receivedAtMs: atMs,
      });
    for (let i = 0; i < 1_200; i++) refuse('busy', (today - 1) * DAY_MS + 11 * HOUR_MS);
    refuse('wrong-domain', (today - 1) * DAY_MS + 11 * HOUR_MS);
    await world.store.events.flush();
    world.clock.advance(today * DAY_MS + 17 * HOUR_MS - begin);

    const owner = await signedIn(world, server, account);
    const notesOf = async (query: string) => {
      const { text } = await owner.get(`/dashboard/sites/${site.id}?${query}`);
      return [...text.matchAll(/<bdi>([^<]+)<\/bdi><\/li>/g)].map(([, note]) => note);
    };
    const silence = 'No events from 12:00 to 16:00, when about 24 visits are usual';
    const loss = '1,200 events not counted: server busy';
    const open = `No events since 18:00, while about 42 visits are usual`;
    expect(await notesOf('range=28d')).toEqual([silence, loss, open]);
    expect(await notesOf('range=today')).toEqual([open]);
    expect(await notesOf('range=yesterday')).toEqual([loss]);
    expect(await notesOf('range=12m')).toEqual([]);
  });
});
