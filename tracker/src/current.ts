import { ADDRESS_MAX_CHARS } from './address.ts';
import { FULL } from './build.ts';
import { address } from './scrub.ts';
import { dataset, key } from './tag.ts';
import type { View } from './types.ts';

/** What every beacon of the current view says; nothing while no view has begun. (The micro build keeps none.) */
export let view: View | undefined;

/** Where addresses are cut off, so that the collector does not refuse the beacon: fragment first, then query. */
export const here = (): string => location.href.slice(0, ADDRESS_MAX_CHARS);

/** The visitor's time zone, where the engine tells it. */
export let tz: string | undefined;

/** Notes the time zone. Throws where the engine has none. */
export const readTimeZone = (): void => {
  tz = Intl.DateTimeFormat().resolvedOptions().timeZone;
};

/** A view begins: the beacons from here on are about the page as it is now. */
export const openView = (): void => {
  view = FULL ? { key, keep: dataset.query, url: address(), tz } : { key, url: here() };
};

/** The view is over, and the next one is not to be told. */
export const closeView = (): void => {
  view = undefined;
};

/** Unique, 40 characters at most. The time is in it for pages that seed `Math.random`; a list of one is the shortest string. */
export const newId = (): string => ([Date.now()] as unknown as string) + Math.random();
