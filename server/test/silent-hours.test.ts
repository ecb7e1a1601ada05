import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { noteSilences } from '../src/app/silent-hours.ts';
import { writeDate } from '../src/domain/calendar.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS, utcDay } from '../src/domain/clock.ts';
import { HOURS_LEARNED, type HourCount, silencesIn } from '../src/domain/silences.ts';
import { signedIn } from './support/dashboard-person.ts';
import { event } from './support/entries.ts';
import { World } from './support/world.ts';

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
  beforeAll(async () => {
    world = await World.open();
  });
  afterAll(() => world.close());

  it('notes the hours without events, and what the server lost', async () => {
    const { store, clock } = world;
    const account = await world.addAccount();
    const site = await world.addSite(account, 'silent.example');
    await store.registry.setSiteTimeZone(site.id, 'Asia/Kolkata');
    const firstDay = utcDay(clock.now()) + 1;
    const today = firstDay + DAYS_LEARNED + 3;
    const atMs = (day: number, hour: number) => day * DAY_MS + hour * HOUR_MS;
    let visitor = 0n;
    const visits: Promise<unknown>[] = [];
    // From 16:30 to 20:30 two days ago, and from 22:30 of that day to 19:30 of the next one, by the clocks of India.
    const isSilent = (day: number, hour: number) =>
      (day === today - 2 && (hour < 15 || hour > 16) && hour >= 11) || (day === today - 1 && hour < 14);
    for (let day = firstDay; day <= today; day++)
      for (let hour = 10; hour < 18; hour++)
        for (let minute = 0; minute < (isSilent(day, hour) ? 0 : 6); minute++)
          visits.push(
            store.events.append(
              event({
                siteId: site.id,
                receivedAtMs: atMs(day, hour) + minute * MINUTE_MS,
                visitor: ++visitor,
              }),
            ),
          );
    await Promise.all(visits);
    const refuse = (reason: 'busy' | 'wrong-domain') =>
      store.events.refuse({
        ...{ siteId: site.id, siteKey: null, reason, host: 'silent.example' },
        receivedAtMs: atMs(today - 1, 11),
      });
    for (let i = 0; i < 1_200; i++) refuse('busy');
    refuse('wrong-domain');
    await store.events.flush();

    const server = await world.serve();
    const notesOf = async (query: string) => {
      const owner = await signedIn(world, server, account);
      const { text } = await owner.get(`/dashboard/sites/${site.id}?${query}`);
      return [...text.matchAll(/<bdi>([^<]+)<\/bdi>/g)].flatMap(([, note]) =>
        /events/.test(note ?? '') ? [note] : [],
      );
    };
    const settled = (day: number) => noteSilences({ store, clock }, day, new AbortController().signal);
    clock.nowMs = atMs(today - 1, 1);
    await settled(today - 2);
    const lost = '1,200 events not counted: server busy';
    const first = 'No events from 16:30 to 20:30, when about 24 visits are usual';
    expect(await notesOf('range=28d')).toEqual([first, lost]);
    clock.nowMs = atMs(today, 18);
    for (let i = 0; i < 2; i++) await settled(today - 1);
    const second = `No events from 22:30 to 19:30 on ${writeDate(today - 1)}, when about 30 visits are usual`;
    expect(await notesOf('range=28d')).toEqual([first, second, lost]);
    expect(await notesOf('range=yesterday')).toEqual([lost]);
    expect(await notesOf('range=today')).toEqual([]);
    expect(await notesOf('range=12m')).toEqual([first, second]);

    // The job of a server that starts now.
    const notes = () => store.registry.annotationsOf(site.id, { firstDay: 0, lastDay: today });
    for (const { id } of await notes()) await store.registry.removeAnnotation(site.id, id);
    await world.serve();
    await expect.poll(notes).toMatchObject([{ day: today - 2, text: second }]);
  });
});
