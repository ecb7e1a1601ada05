import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import fc from 'fast-check';
import { Reader } from 'mmdb-lib';
import { describe, expect, it, onTestFinished } from 'vitest';
import { preferredLanguage } from '../src/collect/enrich/language.ts';
import { countryOfTimeZone, openPlaces, type Place } from '../src/collect/enrich/places.ts';
import { originOf, referrerOf } from '../src/collect/enrich/sources.ts';
import { parseReferrer } from '../src/collect/page.ts';
import { languageName } from '../src/domain/languages.ts';
import { screenClass } from '../src/domain/screens.ts';
import { CRAWLERS } from '../src/domain/user-agents/bots.ts';
import { BROWSERS, SYSTEMS } from '../src/domain/user-agents/browsers.ts';
import { IN_APP_BROWSERS } from '../src/domain/user-agents/in-app-browsers.ts';
import { Agents, readAgent, withWidth } from '../src/domain/user-agents/read-agent.ts';
import { ApiWorld } from './support/api.ts';
import { mmdbOf, type RecordData } from './support/mmdb.ts';
import { root, temporaryFolder } from './support/paths.ts';
import { until } from './support/poll.ts';
import { World } from './support/world.ts';

const IPHONE =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1';
const MAC_SAFARI =
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15';

describe('a user agent', () => {
  it.each([
    [IPHONE, 'Safari', 'Safari 18', 'iOS', 'iOS 18', 'phone'],
    [MAC_SAFARI, 'Safari', 'Safari 18', 'macOS', null, 'desktop'],
    [
      'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0',
      'Edge',
      'Edge 140',
      'Windows',
      'Windows 10+',
      'desktop',
    ],
    [
      'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Firefox/128.0',
      'Firefox',
      'Firefox 128',
      'Windows',
      'Windows 10+',
      'desktop',
    ],
    [
      'Mozilla/5.0 (Windows NT 6.1; Win64; x64; rv:109.0) Gecko/20100101 Firefox/115.0',
      'Firefox',
      'Firefox 115',
      'Windows',
      'Windows 7',
      'desktop',
    ],
    [
      'Mozilla/5.0 (Windows NT 6.3; WOW64; Trident/7.0; rv:11.0) like Gecko',
      'Internet Explorer',
      'Internet Explorer 11',
      'Windows',
      'Windows 8.1',
      'desktop',
    ],
    [
      'Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:128.0) Gecko/20100101 Firefox/128.0',
      'Firefox',
      'Firefox 128',
      'macOS',
      null,
      'desktop',
    ],
    [
      'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_13_6) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/13.1.2 Safari/605.1.15',
      'Safari',
      'Safari 13',
      'macOS',
      'macOS 10.13',
      'desktop',
    ],
    [
      'Mozilla/5.0 (Macintosh; Intel Mac OS X 11_6_0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/94.0.4606.61 Safari/537.36',
      'Chrome',
      'Chrome 94',
      'macOS',
      'macOS 11',
      'desktop',
    ],
    [
      'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 OPR/124.0.0.0',
      'Opera',
      'Opera 124',
      'macOS',
      null,
      'desktop',
    ],
    [
      'Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36',
      'Chrome',
      'Chrome 140',
      'ChromeOS',
      null,
      'desktop',
    ],
    [
      'Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0',
      'Firefox',
      'Firefox 128',
      'Linux',
      null,
      'desktop',
    ],
    [
      'Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36',
      'Samsung Internet',
      'Samsung Internet 28',
      'Android',
      null,
      'phone',
    ],
    [
      'Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36',
      'Chrome',
      'Chrome 140',
      'Android',
      null,
      'tablet',
    ],
    [
      'Mozilla/5.0 (Linux; Android 14; Pixel 8 Build/AP1A; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/125.0.6422.113 Mobile Safari/537.36',
      'Chrome',
      'Chrome 125',
      'Android',
      'Android 14',
      'phone',
    ],
    [
      'Mozilla/5.0 (Android 14; Mobile; rv:128.0) Gecko/128.0 Firefox/128.0',
      'Firefox',
      'Firefox 128',
      'Android',
      'Android 14',
      'phone',
    ],
    [
      'Mozilla/5.0 (Phone; OpenHarmony 5.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/114.0.0.0 Safari/537.36 ArkWeb/4.1.6.1 Mobile',
      'Chrome',
      'Chrome 114',
      'HarmonyOS',
      'HarmonyOS 5',
      'phone',
    ],
    [
      'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1',
      'Safari',
      'Safari 17',
      'iOS',
      'iOS 17',
      'phone',
    ],
    [
      'Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1',
      'Safari',
      'Safari 18',
      'iOS',
      'iOS 18',
      'phone',
    ],
    [
      'Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.2 Mobile/15E148 Safari/604.1',
      'Safari',
      'Safari 26',
      'iOS',
      'iOS 26',
      'phone',
    ],
    [
      'Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148',
      'Safari',
      null,
      'iOS',
      null,
      'phone',
    ],
    [
      'Mozilla/5.0 (iPhone; CPU iPhone OS 26_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/141.0.7390.41 Mobile/15E148 Safari/604.1',
      'Chrome',
      'Chrome 141',
      'iOS',
      'iOS 26',
      'phone',
    ],
    [
      'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) FxiOS/126.0 Mobile/15E148 Safari/605.1.15',
      'Firefox',
      'Firefox 126',
      'iOS',
      'iOS 17',
      'phone',
    ],
    [
      'Mozilla/5.0 (iPod touch; CPU iPhone OS 12_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/12.1 Mobile/15E148 Safari/604.1',
      'Safari',
      'Safari 12',
      'iOS',
      'iOS 12',
      'phone',
    ],
    [
      'Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1',
      'Safari',
      'Safari 17',
      'iPadOS',
      'iPadOS 17',
      'tablet',
    ],
    [
      'Mozilla/5.0 (iPad; CPU OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.2 Mobile/15E148 Safari/604.1',
      'Safari',
      'Safari 26',
      'iPadOS',
      'iPadOS 26',
      'tablet',
    ],
    [
      'Mozilla/5.0 (iPad; CPU OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148',
      'Safari',
      null,
      'iPadOS',
      null,
      'tablet',
    ],
    [
      'Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/125.0 Mobile/15E148 Safari/604.1',
      'Chrome',
      'Chrome 125',
      'iPadOS',
      'iPadOS 17',
      'tablet',
    ],
    [
      'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/125.0 Version/11.1.1 Safari/605.1.15',
      'Chrome',
      'Chrome 125',
      'iPadOS',
      null,
      'tablet',
    ],
    [
      'Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15) AppleWebKit/605.1.15 (KHTML, like Gecko) FxiOS/126.0 Safari/605.1.15',
      'Firefox',
      'Firefox 126',
      'iPadOS',
      null,
      'tablet',
    ],
    [
      'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/605.1.15',
      'Safari',
      'Safari 17',
      'iPadOS',
      'iPadOS 17',
      'tablet',
    ],
    [
      'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/21F90 [FBAN/FBIOS;FBAV/466;FBDV/iPad13,4;FBMD/iPad;FBSN/iPadOS;FBSV/17.5]',
      'Facebook',
      null,
      'iPadOS',
      'iPadOS 17',
      'tablet',
    ],
    [
      'Mozilla/5.0 (iPad; CPU OS 12_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/12.1.2 Mobile/15E148 Safari/604.1',
      'Safari',
      'Safari 12',
      'iOS',
      'iOS 12',
      'tablet',
    ],
    [
      'Mozilla/5.0 (Linux; Android 12; BRAVIA 4K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/110.0.0.0 Safari/537.36',
      'Chrome',
      'Chrome 110',
      'Android',
      'Android 12',
      null,
    ],
    [
      'Mozilla/5.0 (SMART-TV; LINUX; Tizen 6.0) AppleWebKit/537.36 (KHTML, like Gecko) 76.0.3809.146/6.0 TV Safari/537.36',
      'Tizen',
      null,
      'Tizen',
      'Tizen 6',
      null,
    ],
    [
      'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/22F76 [FBAN/FBIOS;FBAV/512.0.0.40.99;FBDV/iPhone14,5]',
      'Facebook',
      null,
      'iOS',
      'iOS 18',
      'phone',
    ],
    [
      'Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 Instagram 380.0.0.28.109 (iPhone14,5; iOS 26_1; en_GB)',
      'Instagram',
      null,
      'iOS',
      'iOS 26',
      'phone',
    ],
    [
      'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15 Ddg/18.5',
      'DuckDuckGo',
      null,
      'macOS',
      null,
      'desktop',
    ],
    [
      'Mozilla/5.0 (Linux; Android 10; M2006C3LC) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/94.0 Mobile Safari/537.36 SogouMSE,SogouMobileBrowser/5.30.6',
      'Sogou Browser',
      'Sogou Browser 5',
      'Android',
      'Android 10',
      'phone',
    ],
    [
      'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/123456.0 Safari/537.36',
      'Chrome',
      null,
      'Linux',
      null,
      'desktop',
    ],
    ['Mozilla/5.0 (Unheard of)', null, null, null, null, null],
  ] as const)('%s', (userAgent, browser, browserVersion, os, osVersion, device) => {
    expect(readAgent(userAgent)).toEqual({ crawler: null, browser, browserVersion, os, osVersion, device });
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
        expect(agent.browserVersion?.replace(/ \d{1,3}$/, '') ?? agent.browser).toBe(agent.browser);
        expect(agent.osVersion?.replace(/ (\d{1,2}|10\.\d{1,2}|10\+|8\.1|XP|Vista)$/, '') ?? agent.os).toBe(
          agent.os,
        );
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
    { browser: 'Chrome', os: 'macOS', device: 'desktop', width: 820, is: 'desktop' },
    { browser: 'Firefox', os: 'Windows', device: 'desktop', width: 400, is: 'desktop' },
    { browser: null, os: null, device: null, width: 390, is: 'phone' },
    { browser: null, os: null, device: null, width: 800, is: 'tablet' },
    { browser: null, os: null, device: null, width: 1900, is: 'desktop' },
    { browser: null, os: null, device: null, width: null, is: null },
  ] as const)('$browser on $os, $width px wide, is a $is', ({ width, is, ...agent }) => {
    const known = { crawler: null, browserVersion: null, osVersion: null, ...agent };
    expect(withWidth(known, '', width)).toEqual({ ...known, device: is });
  });

  it('is an iPad if Safari on a Mac has the width of one', () => {
    const mac = new Agents().of(MAC_SAFARI);
    if (mac.crawler !== null) throw new Error('Safari is a browser');
    const ipad = { os: 'iPadOS', osVersion: 'iPadOS 18', device: 'tablet' };
    expect(withWidth(mac, MAC_SAFARI, 820)).toEqual({ ...mac, ...ipad });
    for (const width of [1440, null]) expect(withWidth(mac, MAC_SAFARI, width)).toEqual(mac);
  });
});

describe('the class of a screen', () => {
  it.each([
    [null, null],
    [0, 'small'],
    [599.9, 'small'],
    [600, 'medium'],
    [1023, 'medium'],
    [1024, 'large'],
    [1599, 'large'],
    [1600, 'extra large'],
    [100_000, 'extra large'],
  ])('of %s px is %s', (width, name) => expect(screenClass(width)).toBe(name));
});

describe('a language', () => {
  it.each([
    ['de', 'de'],
    ['de-DE,de;q=0.9,en-US;q=0.8,en;q=0.7', 'de'],
    ['pt-BR', 'pt'],
    ['zh-Hant-TW,zh;q=0.9', 'zh'],
    ['EN-us', 'en'],
    ['en;q=0.5, fr;q=0.9, *;q=0.1', 'fr'],
    ['en;q=0.9,fr;q=0.9', 'en'],
    [' fr-CH , fr;q=0.9', 'fr'],
    ['fr; q=0.2, it ;q=0.3', 'it'],
    ['iw-IL', 'he'],
    ['tl', 'fil'],
    ['gsw-CH', 'gsw'],
    ['xx,de;q=0.5', 'de'],
    ['klingon,de;q=0.5', 'de'],
    ['de;q=0, fr;q=0.1', 'fr'],
    ['de;q=x, fr;q=0.1', 'fr'],
    ['*', null],
    ['', null],
    ['und', null],
    ['qaa-x-ada', null],
    ['12', null],
    ['de;q=0', null],
    ["de'; --", null],
  ])('%j is %s', (header, language) => expect(preferredLanguage(header)).toBe(language));

  it('is the code of a known language, or null, whatever was sent', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'aden-_;=q0.1, *') }), (header) => {
        const language = preferredLanguage(header);
        expect(language === null || languageName(language) !== null).toBe(true);
      }),
    );
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
    ['Mozilla/5.0 (linux) AppleWebKit/537.36 (KHTML, like Gecko) jsdom/20.0.3', 'jsdom', null, 'headless'],
    [
      'Mozilla/5.0 (X11; Linux x64) AppleWebKit/537.36 (KHTML, like Gecko) HappyDOM/12.0.0',
      'HappyDOM',
      null,
      'headless',
    ],
    ['Sogou web spider/4.0(+http://www.sogou.com/docs/help/webmasters.htm#07)', 'Sogou', 'Sogou', 'search'],
    ['WhatsApp/2.23.20.0 A', 'WhatsApp', 'Meta', 'other'],
  ])('%s', (userAgent, name, company, botClass) => {
    expect(readAgent(userAgent).crawler).toEqual({ name, company, botClass });
  });

  it.each(CRAWLERS.filter(({ isApp }) => isApp !== true))(
    '$name is a bot, whatever its user agent looks like',
    (listed) => {
      const { name, company, botClass } = listed;
      const webKit = 'AppleWebKit/537.36 (KHTML, like Gecko)';
      for (const userAgent of [
        `${name}/1.0`,
        name,
        `Mozilla/5.0 (compatible; ${name}/1.0)`,
        `Mozilla/5.0 (linux) ${webKit} ${name}/20.0.3`,
        `Mozilla/5.0 (X11; Linux x86_64) ${webKit} Chrome/140.0.0.0 Safari/537.36 ${name}/1.0`,
        `Mozilla/5.0 (X11; Linux x86_64; ${name}) ${webKit} Chrome/140.0.0.0 Safari/537.36`,
        `Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0 ${name.toUpperCase()}`,
      ])
        expect(readAgent(userAgent).crawler, userAgent).toEqual({ name, company, botClass });
    },
  );

  it('is not found in a part of another word', () => {
    for (const word of ['Yetis/1', 'Slurps/2', 'Devinely/3'])
      expect(readAgent(`${MAC_SAFARI} ${word}`).crawler, word).toBeNull();
  });

  it('is not a browser of the lists of browsers, nor an app of the same name', () => {
    const webView =
      'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)';
    const names = [
      ...Object.keys(BROWSERS),
      ...IN_APP_BROWSERS.map(({ name }) => name),
      'WhatsApp',
      'Mastodon',
    ];
    // Names that these browsers do not use of themselves, and that the library takes for crawlers.
    const unused = ['Google Search', 'Sogou Browser'];
    for (const name of names.filter((each) => !unused.includes(each)))
      expect(readAgent(`${webView} Mobile/15E148 ${name}/5.1`).crawler, name).toBeNull();
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

  it('has all five tags, source and medium in lower case, without surrounding spaces', () => {
    const query =
      '?utm_source=News%20Letter&utm_medium=+Email&utm_campaign=Spring%20sale+&utm_content=Top%2FLeft&utm_term=Blue+Shoes';
    const tags = {
      utmSource: 'news letter',
      utmMedium: 'email',
      campaign: 'Spring sale',
      utmContent: 'Top/Left',
      utmTerm: 'Blue Shoes',
    };
    expect(originOf(query, null)).toEqual({ source: 'news letter', channel: 'email', ...tags });
    const none = { utmSource: null, utmMedium: null, campaign: null, utmContent: null, utmTerm: null };
    expect(originOf('?utm_term=&utm_content=%20', null)).toEqual({
      source: null,
      channel: 'direct',
      ...none,
    });
    expect(originOf('', 'google.com')).toEqual({ source: 'Google', channel: 'search', ...none });
  });

  it.each(['source', 'medium', 'campaign', 'content', 'term'])('cuts a long utm_%s', (name) => {
    const { source, channel, ...tags } = originOf(`?utm_${name}=${'x'.repeat(500)}`, null);
    expect(Object.values(tags).filter((tag) => tag !== null)).toEqual(['x'.repeat(128)]);
    expect(source ?? '').toBe(name === 'source' ? 'x'.repeat(64) : '');
    expect(channel).toBe(['content', 'term'].includes(name) ? 'direct' : 'campaign');
  });

  it('is never a host of the site, not even in a tag', () => {
    const isOwn = (host: string) => host === 'example.com';
    const own = [
      'Example.com',
      'example.com.',
      'www.example.com',
      'https://example.com/x',
      'http://EXAMPLE.com',
    ];
    for (const query of own.flatMap((name) => [`?ref=${name}`, `?source=${encodeURIComponent(name)}`]))
      expect(originOf(query, null, isOwn)).toMatchObject({ source: null, channel: 'direct' });
    expect(originOf('?ref=example.com', 'bing.com', isOwn)).toMatchObject({ source: 'Bing' });
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

  async function placesWith(data: Parameters<typeof mmdbOf>[0]) {
    const file = join(await temporaryFolder(), 'places.mmdb');
    await writeFile(file, mmdbOf(data));
    return openPlaces(file);
  }
  const unknown = { header: null, timeZone: null };

  it('comes from the bundled database', async () => {
    const places = await openPlaces(null);
    const countryOf = (address: string) => places.of({ address, ...unknown }).country;
    expect(['8.8.8.8', '81.2.69.142', '91.198.174.192', '200.160.2.3'].map(countryOf)).toEqual([
      ...['US', 'GB', 'NL', 'BR'],
    ]);
    expect(['2001:4860:4860::8888', '2a02:8108::1', '2804:14c::1'].map(countryOf)).toEqual([
      'US',
      'DE',
      'BR',
    ]);
    expect(places.of({ address: '8.8.8.8', ...unknown })).toEqual({
      country: 'US',
      region: null,
      city: null,
    });
  });

  it('is unknown for addresses that are not on the internet, and for other texts', async () => {
    const places = await openPlaces(null);
    for (const address of [
      ...['127.0.0.1', '10.0.0.1', '172.16.9.9', '192.168.1.1', '169.254.1.1', '100.64.0.1', '0.0.0.0'],
      ...['192.0.2.1', '198.51.100.1', '203.0.113.9', '224.0.0.1', '255.255.255.255', '240.0.0.1'],
      ...['::', '::1', 'fe80::1', 'fd00::1', 'ff02::1', '2001:db8::1', '2002:808:808::1', '64:ff9b::808:808'],
      ...['', 'unknown', '_hidden', 'x', '8.8.8', '8.8.8.8.8', '8.8.8.8:80'],
    ]) {
      expect(places.of({ address, ...unknown }), address).toEqual({
        country: null,
        region: null,
        city: null,
      });
      expect(places.of({ address, header: null, timeZone: 'Asia/Tokyo' }).country, address).toBe('JP');
    }
  });

  it('comes from the supplied database first, then from the header, the bundled database and the time zone', async () => {
    const places = await placesWith({ network: [203, 0, 113], bits: 24, country: 'FR' });
    const countryOf = (address: string, header: string | null) =>
      places.of({ address, header, timeZone: 'Asia/Tokyo' }).country;
    expect(countryOf('203.0.113.9', 'DE')).toBe('FR');
    expect(countryOf('8.8.8.8', 'de')).toBe('DE');
    expect(countryOf('8.8.8.8', null)).toBe('US');
    expect(countryOf('198.51.100.1', null)).toBe('JP');
    for (const header of ['XX', 'T1', 'Germany', '', '<>']) expect(countryOf('x', header)).toBe('JP');
  });

  it('of an IPv6 address is not read from a database of IPv4', async () => {
    // The first bits of the address are those of 203.0.113.0/24.
    const places = await placesWith({ network: [203, 0, 113], bits: 24, country: 'FR' });
    expect(places.of({ address: 'cb00:7109::1', ...unknown }).country).toBeNull();
  });

  it.each<{ name: string; record: RecordData; place: Partial<Place> }>([
    {
      name: 'MaxMind',
      record: {
        city: { geoname_id: '1', names: { de: 'München', en: 'Munich' } },
        country: { iso_code: 'DE', names: { en: 'Germany' } },
        subdivisions: [{ iso_code: 'BY', names: { en: 'Bavaria' } }, { names: { en: 'Upper Bavaria' } }],
      },
      place: { country: 'DE', region: 'Bavaria, DE', city: 'Munich, Bavaria, DE' },
    },
    {
      name: 'DB-IP, without codes of regions',
      record: {
        city: { names: { en: 'Paris' } },
        country: { iso_code: 'FR' },
        subdivisions: [{ names: { en: 'Île-de-France' } }],
      },
      place: { country: 'FR', region: 'Île-de-France, FR', city: 'Paris, Île-de-France, FR' },
    },
    {
      name: 'IP2Location, which writes - for unknown',
      record: {
        city: { names: { en: '-' } },
        country: { iso_code: 'US' },
        subdivisions: [{ names: { en: 'Texas' } }],
      },
      place: { country: 'US', region: 'Texas, US' },
    },
    {
      name: 'a city without a region',
      record: { city: { names: { en: 'Monaco' } }, country: { iso_code: 'MC' }, subdivisions: [] },
      place: { country: 'MC', city: 'Monaco, MC' },
    },
    {
      name: 'flat names',
      record: { country: 'US', region: 'Texas', city: 'Paris' },
      place: { country: 'US', region: 'Texas, US', city: 'Paris, Texas, US' },
    },
    {
      name: 'flat names with a country code',
      record: { country_code: 'US', country: 'United States', state1: 'Texas', city: 'Paris' },
      place: { country: 'US', region: 'Texas, US', city: 'Paris, Texas, US' },
    },
    {
      name: 'the registered country alone',
      record: { registered_country: { iso_code: 'SE' } },
      place: { country: 'SE' },
    },
    { name: 'no country', record: { city: { names: { en: 'Atlantis' } } }, place: {} },
    { name: 'a text', record: 'US', place: {} },
  ])('reads databases with the records of $name', async ({ record, place }) => {
    const places = await placesWith({ network: [203, 0, 113], bits: 24, record });
    const nowhere = { country: null, region: null, city: null };
    expect(places.of({ address: '203.0.113.9', ...unknown })).toEqual({ ...nowhere, ...place });
  });

  it('refuses an invalid database', async () => {
    const file = join(await temporaryFolder(), 'places.mmdb');
    await writeFile(file, 'none');
    await expect(openPlaces(file)).rejects.toThrow(/GEO_DATABASE must be .* got ".*places.mmdb"/);
    await expect(openPlaces(`${file}.gone`)).rejects.toThrow(/GEO_DATABASE/);
  });

  it('has a bundled database of the date and license that the README states', () => {
    const bundled = '@ip-location-db/geo-whois-asn-country-mmdb';
    const { resolve } = createRequire(import.meta.url);
    const file = readFileSync(resolve(`${bundled}/geo-whois-asn-country.mmdb`));
    const built = new Reader(file).metadata.buildEpoch;
    const date = new Intl.DateTimeFormat('en-GB', { dateStyle: 'long', timeZone: 'UTC' }).format(built);
    const readme = readFileSync(join(root, 'README.md'), 'utf8').replaceAll('\n', ' ');
    expect(readme).toContain(`built on ${date}`);
    const { license } = JSON.parse(readFileSync(resolve(`${bundled}/package.json`), 'utf8')) as {
      license: string;
    };
    expect(license).toBe('CC0-1.0');
    expect(readme).toContain('CC0 1.0');
    expect(readFileSync(resolve(`${bundled}/NRO_LICENSE`), 'utf8')).toContain('Attribution 4.0');
    expect(readme).toContain('Number Resource Organization');
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

  it('stores place, versions, language and screen class, of pages and of reported events', async () => {
    const file = join(await temporaryFolder(), 'places.mmdb');
    const record = {
      city: { names: { en: 'Munich' } },
      country: { iso_code: 'DE' },
      subdivisions: [{ names: { en: 'Bavaria' } }],
    };
    await writeFile(file, mmdbOf({ network: [203, 0, 113], bits: 24, record }));
    const api = await ApiWorld.open({ TRUST_PROXY: 'loopback', GEO_DATABASE: file });
    onTestFinished(() => api.close());
    const { account, site } = await api.world.addOwner();
    const { key } = await api.key(account, { scopes: ['write'] });
    const ipad =
      'Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1';
    const url = 'https://example.com/';
    const send = async (address: string, more: object, headers: Record<string, string>) => {
      const beacon = { key: site.key, url, ...more };
      const sent = { 'user-agent': ipad, 'x-forwarded-for': address, ...headers };
      return (await api.server.send(beacon, { headers: sent })).status;
    };
    await expect.poll(() => send('203.0.113.1', {}, { 'accept-language': 'pt-BR,en;q=0.5' })).toBe(202);
    await send('[2a02:8108::1]:443', { width: 1024 }, { 'accept-language': '*' });
    const reported = { url, address: '203.0.113.3:80', user_agent: ipad, language: 'fr-CH', width: 390 };
    expect((await api.post(key, `/sites/${site.id}/events`, reported)).status).toBe(200);
    const { events } = await api.world.store.events.page(site.id, { limit: 10 });
    const tablet = {
      ...{ device: 'tablet', browser: 'Safari', browserVersion: 'Safari 17' },
      ...{ os: 'iPadOS', osVersion: 'iPadOS 17' },
    };
    const munich = { country: 'DE', region: 'Bavaria, DE', city: 'Munich, Bavaria, DE' };
    expect(events).toMatchObject([
      { ...tablet, ...munich, language: 'fr', screen: 'small' },
      { ...tablet, country: 'DE', region: null, city: null, language: null, screen: 'large' },
      { ...tablet, ...munich, language: 'pt', screen: null },
    ]);
  });

  it('excludes countries of the bundled database, and records what calls itself jsdom as a bot', async () => {
    const world = await World.open();
    onTestFinished(() => world.close());
    const { site } = await world.addOwner();
    await world.store.registry.setExclusions(site.id, { pages: [], countries: ['GB'] });
    const server = await world.serve({ settings: { TRUST_PROXY: 'loopback' } });
    const outcome = async (headers: Record<string, string>) =>
      (await server.send({ key: site.key, url: 'https://example.com/' }, { headers })).headers[
        'x-attractos-outcome'
      ];
    expect(await outcome({ 'x-forwarded-for': '81.2.69.142' })).toBe('refused; reason=excluded-country');
    expect(await outcome({ 'x-forwarded-for': '8.8.8.8' })).toBe('stored');
    expect(
      await outcome({
        'user-agent': 'Mozilla/5.0 (linux) AppleWebKit/537.36 (KHTML, like Gecko) jsdom/20.0.3',
      }),
    ).toBe('bot');
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
    await world.store.registry.setHostRules(site.id, {
      allowSubdomains: true,
      extraHosts: ['shop.example.net', '*.example.org'],
    });
    let visitors = 0;
    const send = (ref: string) => {
      const headers = { 'user-agent': `${MAC_SAFARI} Tab/${++visitors}` }; // another visit each time
      return server.send({ key: site.key, url: 'https://example.com/', ref }, { headers });
    };
    const latest = async () => (await world.store.events.page(site.id, { limit: 1 })).events[0];
    await until(
      async () => {
        await send('https://shop.example.net/');
        return latest();
      },
      (event) => event?.source === null,
    );
    for (const host of [
      ...['example.com', 'www.example.com', 'blog.example.com', 'shop.example.net'],
      ...['www.shop.example.net', 'a.example.org', 'www.a.example.org', 'EXAMPLE.com.'],
      'example.org', // the twin of www.example.org
    ]) {
      await send(`https://${host}/before?a=b`);
      expect(await latest(), host).toMatchObject({ channel: 'direct', source: null, referrer: null });
    }
    for (const host of ['example.net', 'other.example.net', 'notexample.com']) {
      await send(`https://${host}/before`);
      const known = { channel: 'referral', source: host, referrer: `${host}/before` };
      expect(await latest(), host).toMatchObject(known);
    }
  });

  it('stores the tags of the page, and the referrer as an address', async () => {
    const world = await World.open();
    onTestFinished(() => world.close());
    const { site } = await world.addOwner();
    const server = await world.serve();
    const url =
      'https://example.com/?utm_source=Google&utm_medium=CPC&utm_campaign=Sale&utm_content=A&utm_term=Shoes';
    await server.send({ key: site.key, url, ref: 'https://www.google.com/search?q=private' });
    const { events } = await world.store.events.page(site.id, { limit: 1 });
    expect(events).toMatchObject([
      {
        ...{ source: 'Google', channel: 'campaign', referrer: 'www.google.com/search', path: '/' },
        ...{ utmSource: 'google', utmMedium: 'cpc', campaign: 'Sale', utmContent: 'A', utmTerm: 'Shoes' },
      },
    ]);
  });
});
