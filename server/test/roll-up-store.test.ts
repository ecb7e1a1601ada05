import { expect, it, onTestFinished } from 'vitest';
import { DAY_MS, utcDay } from '../src/domain/clock.ts';
import { openStore } from '../src/store/open.ts';
import { describeRollUps } from './roll-up-contract.ts';
import { NOON_MS } from './support/clock.ts';
import { event } from './support/entries.ts';
import { temporaryFolder } from './support/paths.ts';

const onBroken = (error: unknown) => {
  throw error;
};

describeRollUps({ name: 'SQLite', open: (dataDir) => openStore({ dataDir, onBroken }) });

/** Few enough for the memory that reports may use, if files are not read by a query for each set of sites. */
const DAYS = 32;

it('reports over sites of which each has other days take no more memory for it', async () => {
  const dataDir = await temporaryFolder();
  const filling = await openStore({ dataDir, onBroken });
  const sites = Array.from({ length: 8 }, (_, i) => ({ siteId: `site_${i}`, name: `${i}.example` }));
  let events = 0;
  for (let day = 0; day < DAYS; day++) {
    // Every day has other sites.
    const some = sites.filter((_, i) => ((day * 37 + 5) >> i) % 2 === 1);
    const receivedAtMs = NOON_MS + day * DAY_MS;
    await Promise.all(some.map(({ siteId }) => filling.events.append(event({ siteId, receivedAtMs }))));
    events += some.length;
  }
  await filling.reports.sealDaysBefore(utcDay(NOON_MS) + DAYS);
  await filling.close();
  const reportLimits = { memoryMib: 16, threads: 2, spillFolder: null };
  const store = await openStore({ dataDir, onBroken, reportLimits });
  onTestFinished(() => store.close());
  const scope = { sites, fromMs: NOON_MS - DAY_MS, toMs: NOON_MS + DAYS * DAY_MS };
  expect(await store.reports.totals({ ...scope, filters: [] })).toMatchObject({ events });
  const { rows } = await store.reports.breakdown({ ...scope, filters: [] }, 'source', { limit: 9 });
  expect(rows.reduce((sum, row) => sum + row.events, 0)).toBe(events);
});
