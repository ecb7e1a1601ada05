import type { BotEntry, EventEntry, LeaveEntry, Refusal } from '../../src/store/contract/store.ts';
import { NOON_MS } from './clock.ts';

/** Entries as the collector passes them to the store, with defaults for what a test does not care about. */

export const SITE = 'site_0123456789abcd';

export function event(more: Partial<EventEntry> = {}): EventEntry {
  return {
    kind: 'event',
    siteId: SITE,
    siteKey: null,
    receivedAtMs: NOON_MS,
    host: 'example.com',
    id: null,
    name: 'pageview',
    interactive: true,
    path: '/',
    referrer: null,
    visitor: 1n,
    nav: 'load',
    props: null,
    value: null,
    currency: null,
    view: null,
    width: null,
    timeZone: null,
    device: null,
    browser: null,
    os: null,
    country: null,
    source: null,
    channel: 'direct',
    campaign: null,
    utmSource: null,
    utmMedium: null,
    utmContent: null,
    utmTerm: null,
    region: null,
    city: null,
    browserVersion: null,
    osVersion: null,
    language: null,
    screen: null,
    ...more,
  };
}

export function leave(more: Partial<LeaveEntry> = {}): LeaveEntry {
  return {
    kind: 'leave',
    siteId: SITE,
    siteKey: null,
    receivedAtMs: NOON_MS,
    host: 'example.com',
    id: null,
    path: '/',
    visitor: 1n,
    view: 2n,
    engagedMs: 1000,
    scroll: 50,
    vitals: null,
    ...more,
  };
}

export function bot(more: Partial<BotEntry> = {}): BotEntry {
  return {
    kind: 'bot',
    siteId: SITE,
    siteKey: null,
    receivedAtMs: NOON_MS,
    host: 'example.com',
    bot: 'Googlebot',
    company: 'Google',
    botClass: 'search',
    path: '/',
    ...more,
  };
}

export function refusal(more: Partial<Refusal> = {}): Refusal {
  return {
    siteId: SITE,
    siteKey: null,
    receivedAtMs: NOON_MS,
    reason: 'wrong-domain',
    host: 'copy.example',
    ...more,
  };
}
