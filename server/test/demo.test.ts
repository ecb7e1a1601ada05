import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startPassersBy } from '../src/commands/demo/live-visitors.ts';
import { Random } from '../src/commands/demo/random.ts';
import type { Site } from '../src/store/contract/store.ts';
import { until } from './support/poll.ts';
import { type RunningServer, World } from './support/world.ts';

/** The demo's simulated live visitors. */

let world: World;
let server: RunningServer;
let site: Site;

beforeAll(async () => {
  world = await World.open();
  server = await world.serve();
  site = await world.addSite(await world.addAccount());
});
afterAll(() => world.close());

const cameBy = () => world.store.reports.realtime(site.id, 0);

describe('simulated visitors', () => {
  it('counts simulated visitors in several browsers until the demo ends', async () => {
    const errors: unknown[] = [];
    await until(
      () => server.send({ key: site.key, url: `https://${site.domain}/` }),
      ({ status }) => status === 202,
    );
    const end = startPassersBy({
      ...{ collector: `${server.url}/e`, site, random: new Random(1), pauseMs: 1 },
      onError: (error) => errors.push(error),
    });
    await until(cameBy, ({ visitors, pages }) => visitors >= 3 && pages.length >= 3);
    end();
    const ledger = await world.store.events.ledger(site.id, { firstDay: 0, lastDay: 100_000 });
    expect(ledger.map(({ outcome }) => outcome)).toEqual(['stored']);
    expect(errors).toEqual([]);
  });

  it('stop and report why if there is no server', async () => {
    const errors: unknown[] = [];
    const end = startPassersBy({
      ...{ collector: 'http://127.0.0.1:1/e', site, random: new Random(1), pauseMs: 1 },
      onError: (error) => errors.push(error),
    });
    await until(
      async () => errors.length,
      (length) => length > 0,
    );
    end();
    expect(errors).toHaveLength(1);
  });
});
