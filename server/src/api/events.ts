import { type Static, Type } from 'typebox';
import type { Happening } from '../store/store.ts';
import { siteEndpoint } from './endpoint.ts';
import { NextCursor, PageQuery, readCursor, writeCursor } from './paging.ts';
import { Period, PeriodQuery, periodOf, readPeriod, TimeZone } from './period.ts';
import { Instant, Maybe, MaybeOneOf, SiteId } from './schema-parts.ts';

const CHANNELS = ['direct', 'search', 'social', 'email', 'campaign', 'referral', 'ai'] as const;

export const EventItem = Type.Object({
  type: Type.Enum(['pageview', 'conversion', 'bot'], {
    description: 'pageview, conversion (an event of any other name) or bot (a visit of a crawler).',
  }),
  timestamp: Instant('When the server received it, or when it was reported to be: ISO 8601, UTC.'),
  event_name: Maybe(
    'Name of the event: pageview, or that of a conversion; null for a bot visit.',
    'pageview',
  ),
  host: Type.String({ description: 'Host of the page.', examples: ['example.com'] }),
  path: Type.String({
    description: 'Path of the page, and of its query what the page asks to keep.',
    examples: ['/pricing'],
  }),
  referrer: Maybe("Another site's host and path, where a link led here.", 'chatgpt.com'),
  source: Maybe('Where the visit came from, by name; null for a direct visit.', 'ChatGPT'),
  channel: MaybeOneOf(
    CHANNELS,
    'How the visit came; ai: sent by a language-model assistant. Null for a bot visit.',
    'ai',
  ),
  campaign: Maybe('utm_campaign of the page that the visit began on.'),
  country: Maybe('ISO 3166-1 alpha-2.', 'DE'),
  device: Maybe('phone, tablet or desktop.', 'phone'),
  browser: Maybe('Family of the browser, without a version.', 'Safari'),
  os: Maybe('Family of the operating system.', 'iOS'),
  value: Type.Union([Type.Number(), Type.Null()], {
    description: "A conversion's worth, in units of currency.",
    examples: [null],
  }),
  currency: Maybe('ISO 4217.'),
  props: Type.Union(
    [Type.Record(Type.String(), Type.Union([Type.String(), Type.Number(), Type.Boolean()])), Type.Null()],
    { description: 'Properties of the event, as sent.', examples: [null] },
  ),
  bot_name: Maybe('Name of the crawler.'),
  bot_company: Maybe('Who runs the crawler.'),
  bot_class: Maybe('ai-training, ai-search, ai-user, seo, monitor, headless, search or other.'),
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
        'event (page views and conversions: what is counted), bot, referral (page views that began a visit sent by a language-model assistant) or conversion. Without it: everything.',
    }),
  ),
  ...PageQuery,
});
export type EventsQuery = Static<typeof EventsQuery>;

export const events = siteEndpoint({
  name: 'events',
  path: '/v1/sites/{id}/events',
  summary: 'Single events',
  description:
    'What happened, one by one, newest first, in pages. Paging is stable while events arrive: none is shown twice or left out.',
  query: EventsQuery,
  answer: EventList,
  errors: ['INVALID_DATE_RANGE'],
  rows: 'events',
  async run({ store, clock, timeZone, site }, { type, limit = 100, cursor, ...period }) {
    const span = readPeriod(period, timeZone, clock.now());
    const list = `events ${site.id} ${type ?? ''}`;
    const place = readCursor(list, cursor);
    const page = await store.reports.happenings(
      { siteId: site.id, fromMs: span.fromMs, toMs: span.toMs },
      { type: type ?? null, limit, ...(place === undefined ? {} : { cursor: place }) },
    );
    return {
      site_id: site.id,
      period: periodOf(span),
      time_zone: timeZone,
      events: page.happenings.map(toItem),
      next_cursor: writeCursor(list, page.nextCursor),
    };
  },
});

function toItem(happening: Happening): EventItem {
  if (happening.type === 'bot') {
    return {
      ...NOTHING,
      type: 'bot',
      timestamp: new Date(happening.receivedAtMs).toISOString(),
      host: happening.host,
      path: happening.path,
      bot_name: happening.bot,
      bot_company: happening.company,
      bot_class: happening.botClass,
    };
  }
  const { event } = happening;
  return {
    ...NOTHING,
    type: event.name === 'pageview' ? 'pageview' : 'conversion',
    timestamp: new Date(event.receivedAtMs).toISOString(),
    event_name: event.name,
    host: event.host,
    path: event.path,
    referrer: event.referrer,
    source: event.source,
    channel: event.channel,
    campaign: event.campaign,
    country: event.country,
    device: event.device,
    browser: event.browser,
    os: event.os,
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
  country: null,
  device: null,
  browser: null,
  os: null,
  value: null,
  currency: null,
  props: null,
  bot_name: null,
  bot_company: null,
  bot_class: null,
};
