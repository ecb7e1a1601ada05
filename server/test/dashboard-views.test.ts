import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Site } from '../src/store/contract/store.ts';
import { signedIn } from './support/dashboard-person.ts';
import type { DashboardVisitor } from './support/dashboard-visitor.ts';
import { event, leave } from './support/entries.ts';
import { World } from './support/world.ts';

/** The panels of the report that show web vitals and scroll depth. */

let world: World;
let site: Site;
let visitor: DashboardVisitor;
let base: string;

beforeAll(async () => {
  world = await World.open();
  const server = await world.serve();
  const { account, site: added } = await world.addOwner('example.com', 'pro');
  site = added;
  visitor = await signedIn(world, server, account);
  base = `/dashboard/sites/${site.id}`;
});
afterAll(() => world.close());

const at = () => ({ siteId: site.id, receivedAtMs: world.clock.now() });
const page = async (query = '') => (await visitor.get(`${base}?range=today${query}`)).text;
const panel = (html: string, id: string) =>
  new RegExp(`<section[^>]* id="${id}">.*?<details class="panel-foot">.*?</details>`, 's').exec(html)?.[0] ??
  '';

describe('web vitals and scroll depth in the report', () => {
  it('are shown only if there are some', async () => {
    await world.store.events.append(event(at()));
    expect(await page()).not.toMatch(/id="(vitals|scroll)"/);
    await world.store.events.append(leave({ ...at(), view: 1n, scroll: 80 }));
    const html = await page();
    expect(html).not.toContain('id="vitals"');
    expect(panel(html, 'scroll')).toContain('Mean: 80%');
  });

  it('say what each is, how good it is in words, and of how many views', async () => {
    const visits = [
      { visitor: 2n, device: 'phone', country: 'DE', vitals: { lcp: 2_600, cls: 0.02, inp: 700 } },
      { visitor: 3n, device: 'desktop', country: 'FR', vitals: { lcp: 900.4, cls: 0.02 } },
    ];
    for (const { vitals, ...of } of visits) {
      await world.store.events.append(event({ ...at(), ...of, path: '/pricing' }));
      await world.store.events.append(
        leave({ ...at(), visitor: of.visitor, view: of.visitor, path: '/pricing', scroll: 40, vitals }),
      );
    }
    const vitals = panel(await page(), 'vitals');
    expect(vitals).toContain('Interaction to Next Paint (INP)</span><span class="hint">Responsiveness');
    expect(vitals).toContain(
      'Cumulative Layout Shift (CLS)</span><span class="hint">Layout shift, a score without a unit',
    );
    expect(vitals).toContain(
      '<strong>2.60 s</strong><span class="rating rating-needs-improvement">needs improvement',
    );
    expect(vitals).toContain('2 views: 50% good, 50% need improvement, 0% poor');
    expect(vitals).toContain('<strong>0.02</strong><span class="rating rating-good">good');
    expect(vitals).toContain('<strong>700 ms</strong><span class="rating rating-poor">poor');
    expect(vitals).toContain('Not measured in this period');
    expect(vitals).toContain('Only the full script measures web vitals');
    expect(panel(await page(), 'scroll')).toContain('Mean: 53%');
  });

  it('are split by page, device, country and browser, and filtered', async () => {
    expect(panel(await page(), 'vitals')).toContain('<bdi>/pricing</bdi>');
    const devices = panel(await page('&vitals=device'), 'vitals');
    expect(devices).toMatch(/<bdi>Desktop<\/bdi>.*900 ms.*<bdi>Phone<\/bdi>.*2\.60 s/s);
    expect(devices).toContain('aria-current="true"><bdi>Devices');
    const german = await page('&f=country:DE');
    expect(panel(german, 'vitals')).toContain('1 view: 0% good, 100% need improvement, 0% poor');
    // Views have no host, event or properties.
    expect(await page('&f=event:pageview')).not.toMatch(/id="(vitals|scroll)"/);
  });

  it('can be downloaded, and are in the API under the address that is shown', async () => {
    const vitals = panel(await page('&vitals=device'), 'vitals');
    expect(vitals).toMatch(/\/vitals\?by=device&amp;start=/);
    const link = /href="([^"]*rows\.csv[^"]*)"/.exec(vitals)?.[1]?.replaceAll('&amp;', '&') ?? '';
    const file = await visitor.get(link);
    const [head = '', ...rows] = file.text.trimEnd().split('\r\n');
    expect(head.split(',').slice(0, 7)).toEqual([
      'device',
      'name',
      'views',
      'scroll_depth',
      'scroll_samples',
      'lcp_p75',
      'lcp_samples',
    ]);
    expect(rows.map((row) => row.split(',').slice(0, 7).join())).toEqual([
      'desktop,Desktop,1,40,1,900.4,1',
      'phone,Phone,1,40,1,2600,1',
      ',Unknown,1,80,1,,0',
    ]);
  });

  it.each(['by=page&f=event:pageview', 'by=page&f=prop:plan:pro', 'by=host', 'by=event'])(
    'cannot be downloaded with %s, which views do not have',
    async (query) => {
      const answer = await visitor.get(`${base}/rows.csv?range=today&table=vitals&${query}`);
      expect(answer.status).toBe(400);
      expect(answer.text).toContain('cannot be filtered or grouped by host, event, goal or property');
    },
  );
});
