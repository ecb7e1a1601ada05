import { type Static, Type } from 'typebox';
import type { Happening } from '../store/store.ts';
import { siteEndpoint } from './endpoint.ts';
import { NextCursor, PageQuery, readCursor, writeCursor } from './paging.ts';
import { Period, PeriodQuery, periodOf, readPeriod, TimeZone } from './period.ts';

const Maybe = (description: string) => Type.Union([Type.String(), Type.Null()], { description });

export const EventItem = Type.Object({
  type: Type.Enum(['pageview', 'conversion', 'bot'], {
    description: 'pageview, conversion (an event of any other name) or bot (a visit of a crawler).',
  }),
  timestamp: Type.String({
    description: 'When the server received it, or when it was reported to be: ISO 8601, UTC.',
  }),
  event_name: Maybe('Name of the event; null for a bot visit.'),
  host: Type.String({ description: 'Host of the page.' }),
  path: Type.String({ description: 'Path and query of the page.' }),
  referrer: Maybe("Another site's host and path, where a link led here."),
  source: Maybe('Where the visitor came from, by name; null for a direct visit.'),
  channel: Maybe('direct, search, social, email, campaign, referral or ai.'),
  campaign: Maybe('utm_campaign of the page.'),
  country: Maybe('ISO 3166-1 alpha-2.'),
  device: Maybe('phone, tablet or desktop.'),
  browser: Maybe('Browser.'),
  os: Maybe('Operating system.'),
  value: Type.Union([Type.Number(), Type.Null()], { description: "A conversion's worth." }),
  currency: Maybe('ISO 4217.'),
  props: Type.Union(
    [Type.Record(Type.String(), Type.Union([Type.String(), Type.Number(), Type.Boolean()])), Type.Null()],
    { description: 'Properties of the event, as sent.' },
  ),
  bot_name: Maybe('Name of the crawler.'),
  bot_company: Maybe('Who runs the crawler.'),
  bot_class: Maybe('ai-training, ai-search, ai-user, seo, monitor, headless, search or other.'),
});
export type EventItem = Static<typeof EventItem>;

export const EventList = Type.Object({
  site_id: Type.String(),
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
  async run({ store, clock, account, site }, { type, limit = 100, cursor, ...period }) {
    const span = readPeriod(period, account.timeZone, clock.now());
    const list = `events ${site.id} ${type ?? ''}`;
    const place = readCursor(list, cursor);
    const page = await store.reports.happenings(
      { siteId: site.id, fromMs: span.fromMs, toMs: span.toMs },
      { type: type ?? null, limit, ...(place === undefined ? {} : { cursor: place }) },
    );
    return {
      site_id: site.id,
      period: periodOf(span),
      time_zone: account.timeZone,
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
