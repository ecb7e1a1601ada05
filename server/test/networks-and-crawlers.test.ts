import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openCrawlerCheck } from '../src/collect/enrich/crawler-check.ts';
import { openNetworks } from '../src/collect/enrich/networks.ts';
import { CRAWLER_RANGES } from '../src/collect/lists/crawler-ranges.ts';
import { canonicalNetwork } from '../src/domain/networks.ts';
import { CRAWLERS } from '../src/domain/user-agents/bots.ts';
import type { Site } from '../src/store/contract/store.ts';
import { signedIn } from './support/dashboard-person.ts';
import { mmdbOf } from './support/mmdb.ts';
import { makeFolder } from './support/paths.ts';
import { until } from './support/poll.ts';
import { BROWSER, type RunningServer, World } from './support/world.ts';

const GOOGLEBOT = 'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)';
const GPTBOT = 'Mozilla/5.0 (compatible; GPTBot/1.2; +https://openai.com/gptbot)';

let folder: { path: string; remove(): Promise<void> };
let world: World;
let server: RunningServer;
const file = (name: string) => join(folder.path, name);

beforeAll(async () => {
  folder = await makeFolder();
  // DigitalOcean has the network, and no one else any.
  await writeFile(
    file('asn.mmdb'),
    mmdbOf({ network: [203, 0, 113], bits: 24, record: { autonomous_system_number: 14_061 } }),
  );
  world = await World.open();
  server = await world.serve({ settings: { TRUST_PROXY: 'loopback', ASN_DATABASE: file('asn.mmdb') } });
});
afterAll(async () => {
  await world.close();
  await folder.remove();
});

async function outcomeOf(
  site: Site,
  { address, agent = BROWSER, on = server }: { address: string; agent?: string; on?: RunningServer },
): Promise<string> {
  const answer = await on.send(
    { key: site.key, url: `https://${site.domain}/` },
    { headers: { origin: `https://${site.domain}`, 'user-agent': agent, 'x-forwarded-for': address } },
  );
  return String(answer.headers['x-attractos-outcome']).replace('refused; reason=', '');
}

describe('visitors from data centers', () => {
  it('are refused only where the site says so, and crawlers are not', async () => {
    const account = await world.addAccount();
    const site = await world.addSite(account, 'example.com');
    const visitor = await signedIn(world, server, account);
    await until(
      () => outcomeOf(site, { address: '203.0.113.1' }),
      (outcome) => outcome === 'stored',
    );
    const form = `/dashboard/sites/${site.id}/settings/exclusions`;
    const saved = await visitor.post(form, { 'data-centers': 'on', 'referrer-spam': 'on' });
    expect(saved.status).toBe(303);
    await until(
      () => outcomeOf(site, { address: '203.0.113.2' }),
      (outcome) => outcome === 'data-center',
    );
    expect(await outcomeOf(site, { address: '203.0.114.1' })).toBe('stored');
    expect(await outcomeOf(site, { address: '::ffff:203.0.113.7' })).toBe('data-center');
    expect(await outcomeOf(site, { address: '2001:db8::1' })).toBe('stored');
    // It begins with the bits of 203.0.113, in a database without IPv6.
    expect(await outcomeOf(site, { address: 'cb00:7101::1' })).toBe('stored');
    expect(await outcomeOf(site, { address: '203.0.113.1', agent: 'Some-Other-Bot/1' })).toBe('bot');
    await world.store.events.flush();
    const page = await visitor.get(`/dashboard/sites/${site.id}/not-counted`);
    expect(page.text).toContain('Data center');
    const settings = await visitor.get(`/dashboard/sites/${site.id}/settings`);
    expect(settings.text).toContain('name="data-centers" checked');
    expect(settings.text).not.toContain('ASN_DATABASE');
    const preview = await visitor.post(form, { 'data-centers': 'on', do: 'preview' });
    expect(preview.text).toContain('Networks are never stored');
  });

  it('are counted without a database, and the settings say so', async () => {
    const without = await world.serve({ settings: { TRUST_PROXY: 'loopback' } });
    const account = await world.addAccount();
    const site = await world.addSite(account, 'without.example');
    await world.store.registry.setExclusions(site.id, { pages: [], countries: [], dataCenters: true });
    await until(
      () => outcomeOf(site, { address: '203.0.113.1', on: without }),
      (outcome) => outcome === 'stored',
    );
    const visitor = await signedIn(world, without, account);
    const { text } = await visitor.get(`/dashboard/sites/${site.id}/settings`);
    expect(text).toContain('no ASN database (ASN_DATABASE)');
  });

  it('are recognized in a database of IPinfo, too', async () => {
    await writeFile(
      file('IPinfo.mmdb'),
      mmdbOf({ network: [203, 0, 113], bits: 24, record: { asn: 'AS24940' } }),
    );
    const networks = await openNetworks(file('IPinfo.mmdb'));
    expect(networks.isDataCenter('203.0.113.9')).toBe(true);
    expect(networks.isDataCenter('203.0.112.9')).toBe(false);
    await writeFile(
      file('other.mmdb'),
      mmdbOf({ network: [203, 0, 113], bits: 24, record: { autonomous_system_number: 64_496 } }),
    );
    expect((await openNetworks(file('other.mmdb'))).isDataCenter('203.0.113.9')).toBe(false);
  });

  it('need a readable database', async () => {
    await writeFile(file('broken.mmdb'), 'no database');
    await expect(openNetworks(file('broken.mmdb'))).rejects.toThrow(
      /ASN_DATABASE must be a readable .mmdb file/,
    );
    await expect(openNetworks(file('absent.mmdb'))).rejects.toThrow(/ASN_DATABASE/);
  });
});

describe('a crawler', () => {
  /** The names of a site's crawlers, as the API lists them. */
  async function crawlersOf(site: Site, apiKey: string): Promise<string[]> {
    await world.store.events.flush();
    const day = new Date(world.clock.now()).toISOString().slice(0, 10);
    const answer = await server.ask({
      path: `/api/v1/sites/${site.id}/breakdown?by=bot&start=${day}&end=${day}`,
      headers: { authorization: `Bearer ${apiKey}` },
    });
    const { breakdown } = answer.json() as { breakdown: { value: string }[] };
    return breakdown.map(({ value }) => value).sort();
  }

  it('outside the networks that its company publishes is listed as unverified, and never counted', async () => {
    const { site, apiKey } = await world.addOwner('crawled.example');
    await until(
      () => outcomeOf(site, { address: '66.249.66.1', agent: GOOGLEBOT }),
      (outcome) => outcome === 'bot',
    );
    expect(await outcomeOf(site, { address: '2001:4860:4801:10::1', agent: GOOGLEBOT })).toBe('bot');
    expect(await crawlersOf(site, apiKey)).toEqual(['Googlebot']);
    expect(await outcomeOf(site, { address: '203.0.113.5', agent: GOOGLEBOT })).toBe('bot');
    // An address of Google's cloud is not Googlebot's, and neither is a crawler of another company.
    expect(await outcomeOf(site, { address: '34.22.84.255', agent: GOOGLEBOT })).toBe('bot');
    expect(await outcomeOf(site, { address: '66.249.66.1', agent: GPTBOT })).toBe('bot');
    expect(await outcomeOf(site, { address: '203.0.113.5', agent: 'AhrefsBot/7.0' })).toBe('bot');
    expect(await crawlersOf(site, apiKey)).toEqual([
      ...['AhrefsBot', 'GPTBot (unverified)', 'Googlebot', 'Googlebot (unverified)'],
    ]);
    const { sites } = (await server.sites(apiKey)).json() as { sites: { events_this_month: number }[] };
    expect(sites[0]?.events_this_month).toBe(0);
  });

  it('is trusted if its public address is unknown', async () => {
    const check = await openCrawlerCheck(null);
    const named = CRAWLERS.find(({ name }) => name === 'Googlebot');
    if (named === undefined) throw new Error('Googlebot is not listed');
    for (const address of ['', 'unknown', '127.0.0.1', '10.0.0.7', '::1'])
      expect(check.verified(named, address)).toBe(named);
    expect(check.verified(named, '192.0.2.1').name).toBe('Googlebot (unverified)');
  });

  it('is known by valid networks', () => {
    for (const [name, networks] of Object.entries(CRAWLER_RANGES)) {
      expect(CRAWLERS.map((crawler) => crawler.name)).toContain(name);
      for (const network of networks)
        expect([network, canonicalNetwork(network)]).toEqual([network, network.replace(/\/32$/, '')]);
    }
  });

  it('can have its networks replaced by a file', async () => {
    await writeFile(file('ranges.json'), JSON.stringify({ GOOGLEBOT: ['203.0.113.0/24'], ClaudeBot: [] }));
    const check = await openCrawlerCheck(file('ranges.json'));
    const nameOf = (crawler: string, address: string) => {
      const named = CRAWLERS.find(({ name }) => name === crawler);
      return named && check.verified(named, address).name;
    };
    expect(nameOf('Googlebot', '203.0.113.9')).toBe('Googlebot');
    expect(nameOf('Googlebot', '66.249.66.1')).toBe('Googlebot (unverified)');
    // The file replaces the whole list.
    expect(nameOf('GPTBot', '192.0.2.1')).toBe('GPTBot');
    expect(nameOf('ClaudeBot', '192.0.2.1')).toBe('ClaudeBot (unverified)');
  });

  it.each([
    ['{', /CRAWLER_RANGES must be a JSON file/],
    ['[]', /it is not an object of lists/],
    ['{"Google-Bot": []}', /the crawler "Google-Bot" is unknown/],
    ['{"Googlebot": "66.249.64.0/27"}', /Googlebot is not a list of networks/],
    ['{"Googlebot": ["66.249.64.0/99"]}', /66.249.64.0\/99 has no valid prefix length/],
  ])('refuses the file %s', async (text, message) => {
    await writeFile(file('wrong.json'), text);
    await expect(openCrawlerCheck(file('wrong.json'))).rejects.toThrow(message);
    await rm(file('wrong.json'));
  });
});
