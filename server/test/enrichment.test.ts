import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Countries, countryOfTimeZone, openCountries } from '../src/collect/enrich/countries.ts';
import { originOf, referrerOf } from '../src/collect/enrich/sources.ts';
import { parseReferrer } from '../src/collect/page.ts';
import { CRAWLERS } from '../src/domain/user-agents/bots.ts';
import { BROWSERS, SYSTEMS } from '../src/domain/user-agents/browsers.ts';
import { IN_APP_BROWSERS } from '../src/domain/user-agents/in-app-browsers.ts';
import { Agents, deviceClass, readAgent } from '../src/domain/user-agents/read-agent.ts';
import { mmdbOf } from './support/mmdb.ts';
import { temporaryFolder } from './support/paths.ts';
import { World } from './support/world.ts';

const IPHONE =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1';
const MAC_SAFARI =
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15';

describe('a user agent', () => {
  it.each([
    [IPHONE, 'Safari', 'iOS', 'phone'],
    [MAC_SAFARI, 'Safari', 'macOS', 'desktop'],
    [
      'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0',
      'Edge',
      'Windows',
      'desktop',
    ],
    [
      'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0',
      'Firefox',
      'Windows',
      'desktop',
    ],
    [
      'Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36',
      'Chrome',
      'ChromeOS',
      'desktop',
    ],
    [
      'Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36',
      'Samsung Internet',
      'Android',
      'phone',
    ],
    [
      'Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36',
      'Chrome',
      'Android',
      'tablet',
    ],
    [
      'Mozilla/5.0 (iPad; CPU OS 12_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/12.1.2 Mobile/15E148 Safari/604.1',
      'Safari',
      'iOS',
      'tablet',
    ],
    [
      'Mozilla/5.0 (Linux; Android 12; BRAVIA 4K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/110.0.0.0 Safari/537.36',
      'Chrome',
      'Android',
      null,
    ],
    [
      'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/22F76 [FBAN/FBIOS;FBAV/512.0.0.40.99;FBDV/iPhone14,5]',
      'Facebook',
      'iOS',
      'phone',
    ],
    [
      'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 Instagram 380.0.0.28.109 (iPhone14,5; iOS 18_5; en_GB)',
      'Instagram',
      'iOS',
      'phone',
    ],
    [
      'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15 Ddg/18.5',
      'DuckDuckGo',
      'macOS',
      'desktop',
    ],
    ['Mozilla/5.0 (Unheard of)', null, null, null],
  ])('%s', (userAgent, browser, os, device) => {
    expect(readAgent(userAgent)).toEqual({ crawler: null, browser, os, device });
  });

  it('does not store the user agent', () => {
    const browsers = [...Object.values(BROWSERS), ...IN_APP_BROWSERS.map(({ name }) => name), null];
    const systems = [...Object.values(SYSTEMS), null];
    const pieces = fc.constantFrom(
      IPHONE,
      MAC_SAFARI,
      'Chrome/1',
      'Ada Lovelace/7',
      '(',
      ';',
      ' Safari/1',
      'Linux',
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(pieces, fc.string({ unit: 'binary' })), { maxLength: 6 }), (parts) => {
        const agent = readAgent(parts.join(' '));
        if (agent.crawler !== null) return;
        expect(browsers).toContain(agent.browser);
        expect(systems).toContain(agent.os);
      }),
    );
  });

  it('parses a user agent once, and caches it within a limit', () => {
    const agents = new Agents();
    const first = agents.of(IPHONE);
    expect(agents.of(IPHONE)).toBe(first);
    for (let i = 0; i < 2_100; i++) {
      agents.of(`Flood/${i}`);
      if (i % 500 === 0) expect(agents.of(IPHONE)).toBe(first);
    }
    for (let i = 0; i < 2_000; i++) agents.of(`Again/${i}`);
    expect(agents.of(IPHONE)).not.toBe(first);
  });
});

describe('a device', () => {
  it.each([
    { browser: 'Safari', os: 'macOS', device: 'desktop', width: 820, is: 'tablet' },
    { browser: 'Safari', os: 'macOS', device: 'desktop', width: 1440, is: 'desktop' },
    { browser: 'Chrome', os: 'macOS', device: 'desktop', width: 820, is: 'desktop' },
    { browser: 'Firefox', os: 'Windows', device: 'desktop', width: 400, is: 'desktop' },
    { browser: null, os: null, device: null, width: 390, is: 'phone' },
    { browser: null, os: null, device: null, width: 800, is: 'tablet' },
    { browser: null, os: null, device: null, width: 1900, is: 'desktop' },
    { browser: null, os: null, device: null, width: null, is: null },
  ] as const)('$browser on $os, $width px wide, is a $is', ({ width, is, ...agent }) => {
    expect(deviceClass(agent, '', width)).toBe(is);
  });
});

describe('a bot', () => {
  it.each([
    [
      'Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko); compatible; ChatGPT-User/1.0; +https://openai.com/bot',
      'ChatGPT-User',
      'OpenAI',
      'ai-user',
    ],
    [
      'Mozilla/5.0 (compatible; OAI-SearchBot/1.0; +https://openai.com/searchbot)',
      'OAI-SearchBot',
      'OpenAI',
      'ai-search',
    ],
    ['Mozilla/5.0 (compatible; GPTBot/1.2; +https://openai.com/gptbot)', 'GPTBot', 'OpenAI', 'ai-training'],
    [
      'Mozilla/5.0 (compatible; PerplexityBot/1.0; +https://perplexity.ai/perplexitybot)',
      'PerplexityBot',
      'Perplexity',
      'ai-search',
    ],
    ['Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)', 'AhrefsBot', 'Ahrefs', 'seo'],
    [
      'Mozilla/5.0+(compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)',
      'UptimeRobot',
      'UptimeRobot',
      'monitor',
    ],
    [
      'Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)',
      'bingbot',
      'Microsoft',
      'search',
    ],
    [
      'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/140.0.0.0 Safari/537.36',
      'HeadlessChrome',
      null,
      'headless',
    ],
    ['NeverHeardOfBot/1.0 (ada@example.com)', 'other', null, 'other'],
  ])('%s', (userAgent, name, company, botClass) => {
    expect(readAgent(userAgent).crawler).toEqual({ name, company, botClass });
  });

  it('lists every bot once', () => {
    const names = CRAWLERS.map(({ name }) => name.toLowerCase());
    expect(new Set(names).size).toBe(names.length);
    // A name that contains an earlier one would never be found.
    for (const [i, name] of names.entries())
      expect(names.slice(0, i).filter((earlier) => name.includes(earlier))).toEqual([]);
  });
});

describe('a source', () => {
  it.each([
    ['', null, null, 'direct'],
    ['', 'https://www.google.com/', 'Google', 'search'],
    ['', 'https://www.google.co.uk/search', 'Google', 'search'],
    ['', 'https://docs.google.com/document/1', 'Google Docs', 'referral'],
    ['', 'https://google.com.evil.example/', 'google.com.evil.example', 'referral'],
    ['', 'https://duckduckgo.com/', 'DuckDuckGo', 'search'],
    ['', 'https://duckduckgo.com/aichat', 'Duck.ai', 'ai'],
    ['', 'https://l.facebook.com/l.php', 'Facebook', 'social'],
    ['', 'https://t.co/abc', 'X', 'social'],
    ['', 'https://x.com/i/grok', 'Grok', 'ai'],
    ['', 'https://x.com/someone', 'X', 'social'],
    ['', 'https://mail.google.com/mail/u/0', 'Gmail', 'email'],
    ['', 'android-app://com.google.android.gm/', 'Gmail', 'email'],
    ['', 'android-app://com.google.android.googlequicksearchbox/https/www.google.com', 'Google', 'search'],
    ['', 'android-app://org.unheard.of/', 'org.unheard.of', 'referral'],
    ['', 'https://chatgpt.com/', 'ChatGPT', 'ai'],
    ['', 'https://chat.openai.com/', 'ChatGPT', 'ai'],
    ['', 'https://claude.ai/chat/1', 'Claude', 'ai'],
    ['', 'https://gemini.google.com/', 'Gemini', 'ai'],
    ['', 'https://copilot.microsoft.com/', 'Copilot', 'ai'],
    ['', 'https://www.perplexity.ai/search', 'Perplexity', 'ai'],
    ['', 'https://chat.deepseek.com/', 'DeepSeek', 'ai'],
    ['', 'https://grok.com/', 'Grok', 'ai'],
    ['', 'https://chat.mistral.ai/chat', 'Mistral', 'ai'],
    ['', 'https://www.meta.ai/', 'Meta AI', 'ai'],
    ['', 'https://you.com/', 'You', 'ai'],
    ['', 'https://kagi.com/assistant', 'Kagi', 'ai'],
    ['', 'https://kagi.com/search', 'Kagi', 'search'],
    ['', 'https://www.phind.com/', 'Phind', 'ai'],
    ['', 'https://duck.ai/', 'Duck.ai', 'ai'],
    ['', 'https://notebooklm.google.com/', 'NotebookLM', 'ai'],
    ['?utm_source=chatgpt.com', null, 'ChatGPT', 'ai'],
    ['?utm_source=chatgpt.com&utm_medium=cpc', 'https://www.google.com/', 'ChatGPT', 'ai'],
    ['?utm_source=perplexity', null, 'Perplexity', 'ai'],
    ['?ref=claude.ai', null, 'Claude', 'ai'],
    ['?utm_source=Newsletter', null, 'newsletter', 'email'],
    ['?utm_source=acme&utm_medium=email', null, 'acme', 'email'],
    ['?utm_source=google&utm_medium=cpc', 'https://www.google.com/', 'Google', 'campaign'],
    ['?utm_source=google', null, 'Google', 'search'],
    ['?utm_source=twitter&utm_medium=social', null, 'X', 'social'],
    ['?utm_source=Partner&utm_campaign=Spring', 'https://news.example/', 'partner', 'campaign'],
    ['?gclid=1', 'https://www.google.com/', 'Google', 'campaign'],
    ['?ref=producthunt', null, 'Product Hunt', 'social'],
    ['?ref=a-friend', null, 'a-friend', 'referral'],
    ['?source=a-friend', 'https://www.bing.com/', 'a-friend', 'referral'],
    ['?a=b', 'https://www.news.example/path', 'news.example', 'referral'],
    ['?utm_source=', null, null, 'direct'],
    ['', 'https://example.com/before', null, 'direct'],
    ['', 'not an address', null, 'direct'],
  ])('%s from %s is %s, %s', (query, ref, source, channel) => {
    const referrer = referrerOf(parseReferrer(ref ?? undefined), (host) => host === 'example.com');
    expect(originOf(query, referrer)).toMatchObject({ source, channel });
  });

  it('includes the campaign', () => {
    expect(originOf('?utm_campaign=Spring%20sale', null)).toEqual({
      source: null,
      channel: 'campaign',
      campaign: 'Spring sale',
    });
    expect(originOf(`?utm_campaign=${'x'.repeat(500)}`, null).campaign).toHaveLength(128);
  });

  it('finds a source for any URL without throwing', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.webUrl(), (query, ref) => {
        const { channel, source } = originOf(
          `?${query}`,
          referrerOf(parseReferrer(ref), () => false),
        );
        expect(channel === 'direct' ? source : 'x').toBe(channel === 'direct' ? null : 'x');
      }),
    );
  });
});

describe('a country', () => {
  it('knows a country for every time zone', () => {
    const without = Intl.supportedValuesOf('timeZone').filter((zone) => countryOfTimeZone(zone) === null);
    expect(without.filter((zone) => !/^(UTC|Etc\/.*)$/.test(zone))).toEqual([]);
  });

  it.each([
    ['Europe/Berlin', 'DE'],
    ['Europe/London', 'GB'],
    ['America/New_York', 'US'],
    ['Asia/Tokyo', 'JP'],
    ['Asia/Calcutta', 'IN'],
    ['Asia/Kolkata', 'IN'],
    ['Europe/Kiev', 'UA'],
    ['Europe/Kyiv', 'UA'],
    ['Asia/Saigon', 'VN'],
    ['America/Buenos_Aires', 'AR'],
    ['Asia/Katmandu', 'NP'],
    ['America/Puerto_Rico', 'PR'],
    ['Asia/Shanghai', 'CN'],
    ['Europe/Moscow', 'RU'],
    ['Europe/Belgrade', 'RS'],
    ['Asia/Rangoon', 'MM'],
    ['Africa/Kinshasa', 'CD'],
    ['UTC', null],
    ['Etc/GMT+5', null],
    ['Mars/Olympus', null],
    ['', null],
  ])('finds the country of %s: %s', (zone, country) => expect(countryOfTimeZone(zone)).toBe(country));

  it('finds the country by address first, then by header, then by time zone', async () => {
    const file = join(await temporaryFolder(), 'countries.mmdb');
    await writeFile(file, mmdbOf({ network: [203, 0, 113], bits: 24, country: 'FR' }));
    const countries = await openCountries(file);
    const timeZone = 'Asia/Tokyo';
    expect(countries.of({ address: '203.0.113.9', header: 'DE', timeZone })).toBe('FR');
    expect(countries.of({ address: '198.51.100.1', header: 'de', timeZone })).toBe('DE');
    expect(countries.of({ address: '198.51.100.1', header: null, timeZone })).toBe('JP');
    for (const header of ['XX', 'T1', 'Germany', '', '<>'])
      expect(countries.of({ address: 'x', header, timeZone })).toBe('JP');
    expect(new Countries(null).of({ address: '203.0.113.9', header: null, timeZone: null })).toBeNull();
  });

  it('refuses an invalid file of countries', async () => {
    const file = join(await temporaryFolder(), 'countries.mmdb');
    await writeFile(file, 'none');
    await expect(openCountries(file)).rejects.toThrow(/GEO_DATABASE must be .* got ".*countries.mmdb"/);
    await expect(openCountries(`${file}.gone`)).rejects.toThrow(/GEO_DATABASE/);
  });
});

describe('the enrichment of an event', () => {
  it('stores what enriches an event, and reads headers only from a trusted proxy', async () => {
    const world = await World.open();
    onTestFinished(() => world.close());
    const { site } = await world.addOwner();
    const settings = { TRUST_PROXY: 'loopback', COUNTRY_HEADER: 'CF-IPCountry' };
    const server = await world.serve({ settings });
    const plain = await world.serve();
    const beacon = {
      key: site.key,
      url: 'https://example.com/?utm_source=chatgpt.com',
      tz: 'Asia/Tokyo',
      width: 390,
    };
    const send = async (running: typeof server, address: string | null) =>
      running.send(beacon, {
        headers: {
          'user-agent': IPHONE,
          'cf-ipcountry': 'DE',
          ...(address === null ? {} : { 'x-forwarded-for': address }),
        },
      });
    for (const [running, address] of [
      [server, '198.51.100.1'],
      [plain, '198.51.101.1'],
    ] as const)
      expect((await send(running, address)).status).toBe(202);
    const { events } = await world.store.events.page(site.id, { limit: 10 });
    const known = { device: 'phone', browser: 'Safari', os: 'iOS', source: 'ChatGPT', channel: 'ai' };
    expect(events).toMatchObject([
      { ...known, country: 'JP' },
      { ...known, country: 'DE' },
    ]);
  });

  it('ignores inherited names such as "constructor"', async () => {
    const world = await World.open();
    onTestFinished(() => world.close());
    const { site, apiKey } = await world.addOwner();
    const server = await world.serve();
    const words = ['constructor', '__proto__', 'toString', 'valueOf', 'hasOwnProperty'];
    for (const word of words) {
      const url = `https://example.com/?utm_source=friend&utm_medium=${word}`;
      // The text after the name keeps it from being classified as a crawler.
      const headers = { 'user-agent': `${word}/1.0 (X11; Linux) ${MAC_SAFARI.slice(0, 12)}` };
      const answer = await server.send({ key: site.key, url }, { headers });
      expect(answer.headers['x-attractos-outcome'], word).toBe('stored');
    }
    for (const [by, value] of [
      ['browser', null],
      ['os', 'Linux'],
      ['channel', 'campaign'],
    ]) {
      const answer = await server.ask({
        path: `/api/v1/sites/${site.id}/breakdown?by=${by}`,
        headers: { authorization: `Bearer ${apiKey}` },
      });
      expect(answer.json(), answer.text).toMatchObject({ breakdown: [{ value, events: words.length }] });
    }
  });

  it('ends with a whole character if a tag is cut', async () => {
    const world = await World.open();
    onTestFinished(() => world.close());
    const { site, apiKey } = await world.addOwner();
    const server = await world.serve();
    const [source, campaign] = [`x${'🙂'.repeat(31)}`, `x${'🙂'.repeat(63)}`];
    const url = `https://example.com/?utm_source=${source}🙂🙂&utm_campaign=${campaign}🙂🙂`;
    expect((await server.send({ key: site.key, url })).status).toBe(202);
    for (const [by, value] of Object.entries({ source, campaign })) {
      // A value works as a filter in the form in which it is reported.
      const answer = await server.ask({
        path: `/api/v1/sites/${site.id}/breakdown?by=${by}&filter=${by}:${encodeURIComponent(value)}`,
        headers: { authorization: `Bearer ${apiKey}` },
      });
      expect(answer.json(), answer.text).toMatchObject({ breakdown: [{ value, events: 1 }] });
    }
  });

  it('does not treat the pages of the site as a source', async () => {
    const world = await World.open();
    onTestFinished(() => world.close());
    const { site } = await world.addOwner();
    const server = await world.serve();
    await server.send({ key: site.key, url: 'https://example.com/', ref: 'https://www.example.com/before' });
    const { events } = await world.store.events.page(site.id, { limit: 1 });
    expect(events).toMatchObject([{ channel: 'direct', source: null }]);
  });
});
