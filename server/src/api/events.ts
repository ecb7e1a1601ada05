import { type Static, Type } from 'typebox';
import { PAGEVIEW } from '../../../tracker/wire/limits.ts';
import { CHANNELS } from '../domain/channels.ts';
import { SCREEN_CLASSES_SENTENCE } from '../domain/screens.ts';
import type { ActivityItem } from '../store/contract/store.ts';
import { siteEndpoint } from './endpoint.ts';
import { listName, NextCursor, PageQuery, readCursor, writeCursor } from './paging.ts';
import { Period, PeriodQuery, periodOf, readPeriod, TimeZone } from './period.ts';
import { Instant, Maybe, MaybeOneOf, SiteId } from './schema-parts.ts';

export const EventItem = Type.Object({
  type: Type.Enum(['pageview', 'conversion', 'bot'], {
    description: 'pageview, conversion (an event with any other name) or bot (a crawler visit).',
  }),
  timestamp: Instant(
    'Time at which the server received the event, or the time reported with it (ISO 8601, UTC).',
  ),
  event_name: Maybe('Event name: pageview or the name of the conversion. Null for a bot visit.', 'pageview'),
  host: Type.String({ description: 'Host of the page.', examples: ['example.com'] }),
  path: Type.String({
    description:
      'Path of the page, with the query parameters (sorted by name) and the hash that the tracker is set to keep. Percent-encodings are normalized (RFC 3986, 6.2.2).',
    examples: ['/pricing'],
  }),
  referrer: Maybe('Host and path of the external page that linked here.', 'chatgpt.com'),
  source: Maybe('Name of the traffic source. Null for a direct visit.', 'ChatGPT'),
  channel: MaybeOneOf(
    CHANNELS,
    'Channel of the visit. ai means that an AI assistant referred it. Null for a bot visit.',
    'ai',
  ),
  campaign: Maybe('utm_campaign of the first page of the visit.'),
  utm_source: Maybe('utm_source of the first page of the visit.'),
  utm_medium: Maybe('utm_medium of the first page of the visit.'),
  utm_campaign: Maybe('The same as campaign.'),
  utm_content: Maybe('utm_content of the first page of the visit.'),
  utm_term: Maybe('utm_term of the first page of the visit.'),
  country: Maybe('Country code (ISO 3166-1 alpha-2).', 'DE'),
  region: Maybe('Region and country, if the server has a database of cities.', 'Bavaria, DE'),
  city: Maybe('City, region and country, if the server has a database of cities.', 'Munich, Bavaria, DE'),
  device: Maybe('Device type: phone, tablet or desktop.', 'phone'),
  browser: Maybe('Browser name, without the version.', 'Safari'),
  browser_version: Maybe('Browser name with its major version.', 'Safari 17'),
  os: Maybe('Operating system name.', 'iOS'),
  os_version: Maybe(
    'Operating system name with its major version. Null if browsers do not tell it: macOS since 11, Chrome on Android, ChromeOS, Linux. Windows 10 and 11 are Windows 10+.',
    'iOS 17',
  ),
  language: Maybe('Language of the browser, without its region.', 'de'),
  screen: Maybe(SCREEN_CLASSES_SENTENCE, 'medium'),
  navigation: Maybe(
    'How the page view began, from the full script: load, reload, back, soft (without loading a document), prerender or bfcache (restored from memory).',
    'load',
  ),
  interactive: Type.Union([Type.Boolean(), Type.Null()], {
    description: 'Whether the event ends a bounce. Null for a bot visit.',
    examples: [true],
  }),
  value: Type.Union([Type.Number(), Type.Null()], {
    description: 'Revenue of the conversion, in units of currency.',
    examples: [null],
  }),
  currency: Maybe('Currency code (ISO 4217).'),
  props: Type.Union(
    [Type.Record(Type.String(), Type.Union([Type.String(), Type.Number(), Type.Boolean()])), Type.Null()],
    { description: 'Properties sent with the event.', examples: [null] },
  ),
  bot_name: Maybe('Name of the crawler.'),
  bot_company: Maybe('Company that runs the crawler.'),
  bot_class: Maybe(
    'Crawler class: ai-training, ai-search, ai-user, seo, monitor, headless, search or other.',
  ),
});
export type EventItem = Static<typeof EventItem>;

export const EventList = Type.Object({
  site_id: SiteId,
  period: Period,
  time_zone: TimeZone,
  events: Type.Array(EventItem, { description: 'Newest first.' }),
  next_cursor: NextCursor,
});
export type EventList = Static<typeof EventList>;

const EventsQuery = Type.Object({
  ...PeriodQuery,
  type: Type.Optional(
    Type.Enum(['event', 'bot', 'referral', 'conversion'], {
      description:
        'Limits the list to event (counted page views and conversions), bot (crawler visits), referral (page views that began a visit from an AI assistant) or conversion. Default: all.',
    }),
  ),
  ...PageQuery,
});
export type EventsQuery = Static<typeof EventsQuery>;

export const events = siteEndpoint({
  name: 'events',
  path: '/v1/sites/{id}/events',
  summary: 'Events',
  description:
    'Single events and crawler visits, newest first, in pages. Paging is stable while new events arrive: no event is repeated or skipped.',
  query: EventsQuery,
  answer: EventList,
  errors: ['INVALID_DATE_RANGE'],
  rows: 'events',
  async run({ store, clock, timeZone, site }, { type, limit = 100, cursor, ...period }) {
    const span = readPeriod(period, timeZone, clock.now());
    const list = listName('events', site.id, { type, ...period });
    const place = readCursor(list, cursor);
    const page = await store.reports.listActivity(
      { siteId: site.id, fromMs: span.fromMs, toMs: span.toMs },
      { type: type ?? null, limit, ...(place === undefined ? {} : { cursor: place }) },
    );
    return {
      site_id: site.id,
      period: periodOf(span),
      time_zone: timeZone,
      events: page.items.map(toItem),
      next_cursor: writeCursor(list, page.nextCursor),
    };
  },
});

function toItem(item: ActivityItem): EventItem {
  if (item.type === 'bot') {
    return {
      ...NOTHING,
      type: 'bot',
      timestamp: new Date(item.receivedAtMs).toISOString(),
      host: item.host,
      path: item.path,
      bot_name: item.bot,
      bot_company: item.company,
      bot_class: item.botClass,
    };
  }
  const { event } = item;
  return {
    ...NOTHING,
    type: event.name === PAGEVIEW ? 'pageview' : 'conversion',
    timestamp: new Date(event.receivedAtMs).toISOString(),
    event_name: event.name,
    host: event.host,
    path: event.path,
    referrer: event.referrer,
    source: event.source,
    channel: event.channel,
    campaign: event.campaign,
    utm_source: event.utmSource,
    utm_medium: event.utmMedium,
    utm_campaign: event.campaign,
    utm_content: event.utmContent,
    utm_term: event.utmTerm,
    country: event.country,
    region: event.region,
    city: event.city,
    device: event.device,
    browser: event.browser,
    browser_version: event.browserVersion,
    os: event.os,
    os_version: event.osVersion,
    language: event.language,
    screen: event.screen,
    navigation: event.nav,
    interactive: event.interactive,
    value: event.value,
    currency: event.currency,
    props: event.props === null ? null : { ...event.props },
  };
}

const NOTHING = {
  event_name: null,
  referrer: null,
  source: null,
  channel: null,
  campaign: null,
  utm_source: null,
  utm_medium: null,
  utm_campaign: null,
  utm_content: null,
  utm_term: null,
  country: null,
  region: null,
  city: null,
  device: null,
  browser: null,
  browser_version: null,
  os: null,
  os_version: null,
  language: null,
  screen: null,
  navigation: null,
  interactive: null,
  value: null,
  currency: null,
  props: null,
  bot_name: null,
  bot_company: null,
  bot_class: null,
};
