import { setTimeout as wait } from 'node:timers/promises';
import { type EngineName, whyNot } from './support/browsers.ts';
import { LAUNCH } from './support/engines.ts';
import { Lab } from './support/lab.ts';
import { page } from './support/page.ts';
import type { Tab } from './support/tab.ts';

/**
 * `npm run -s delivery [-- pages]` measures the share of page views that arrive if every page is left at once, per engine and
 * transport. Each page navigates to the next as soon as the tracker has run, without waiting for a response.
 */

/** The tracker's transports: the default, the owner's choice, and without `sendBeacon`. */
const WAYS = {
  sendBeacon: { attributes: {}, head: '' },
  'keepalive fetch (data-transport="fetch")': { attributes: { 'data-transport': 'fetch' }, head: '' },
  'no sendBeacon in the browser': {
    attributes: {},
    head: '<script>delete Navigator.prototype.sendBeacon;</script>',
  },
};

const ENGINES: readonly EngineName[] = ['chromium', 'firefox', 'webkit'];
/** A run ends if no beacon arrives for this long. WebKitGTK took up to ten seconds to send the beacons of 200 pages. */
const QUIET_MS = 12_000;
const POLL_MS = 100;
const RUN_TIMEOUT_MS = 300_000;

/** Visits a chain of pages in one engine. @returns the number of distinct views that were counted */
async function run(lab: Lab, tab: Tab, way: keyof typeof WAYS, pages: number): Promise<number> {
  lab.network.reset();
  const site = await lab.newSite();
  const { attributes, head } = WAYS[way];
  for (let number = 1; number <= pages; number += 1) {
    const next = number === pages ? '/end' : `/${number + 1}`;
    lab.page(site, `/${number}`, {
      tag: { script: 'a.full.js', attributes },
      head,
      body: `<script>addEventListener('DOMContentLoaded', () => { location.href = '${next}'; });</script>`,
    });
  }
  for (const path of ['/start', '/end']) lab.network.serve(site.at(path), { body: page({}) });
  await tab.goto(site.at('/start'));
  await tab.eval(() => {
    setTimeout(() => {
      location.href = '/1';
    });
  });

  const end = `www.${site.domain}/end`;
  const startedAt = Date.now();
  let lastNewsAt = startedAt;
  let known = 0;
  for (;;) {
    await wait(POLL_MS);
    // Counts distinct beacons with a response, because those not yet on disk are not in the count.
    const stored = lab.requests(site).filter(({ status }) => status === 202);
    const ids = stored.flatMap(({ beacons }) =>
      beacons.filter(({ name }) => name !== 'leave').map(({ id }) => id),
    );
    const length = new Set(ids).size;
    if (length !== known || !lab.network.visited.includes(end)) {
      known = length;
      lastNewsAt = Date.now();
    }
    if (length >= pages && lab.network.visited.includes(end)) break;
    if (Date.now() - lastNewsAt > QUIET_MS || Date.now() - startedAt > RUN_TIMEOUT_MS) break;
  }
  return lab.count(site);
}

const pages = Number(process.argv[2] ?? 100);
if (!Number.isInteger(pages) || pages < 1) throw new Error('usage: npm run -s delivery [-- pages]');

const names = Object.keys(WAYS) as (keyof typeof WAYS)[]; // the keys of a constant object
console.log(`Page views counted of ${pages}, every page left at once\n`);
console.log(`| engine | ${names.join(' | ')} |`);
console.log(`|---|${names.map(() => '---:').join('|')}|`);
for (const name of ENGINES) {
  const missing = whyNot(name);
  if (missing !== null) {
    console.log(`| ${name} | not run: ${missing} |`);
    continue;
  }
  const lab = await Lab.open();
  const engine = await LAUNCH[name](lab.network.port);
  const cells: string[] = [];
  for (const way of names) {
    const tab = await engine.newTab();
    const counted = await run(lab, tab, way, pages);
    cells.push(`${counted} (${((100 * counted) / pages).toFixed(1)} %)`);
    await tab.close();
  }
  await engine.close();
  await lab.close();
  console.log(`| ${name} | ${cells.join(' | ')} |`);
}
