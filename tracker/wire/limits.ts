/*
 * The limits of the wire format, for both the page and the collector. This file imports nothing, so that the tracker's
 * bundle contains only the constants it uses.
 */

/** The largest body of one beacon, in bytes of UTF-8. */
export const BEACON_MAX_BYTES = 8 * 1024;
/** The largest body of a batch, in bytes of UTF-8. `sendBeacon` has about the same limit. */
export const BATCH_MAX_BYTES = 64 * 1024;
/** The most beacons in one batch. */
export const BATCH_MAX_BEACONS = 20;

export const KEY_MAX_CHARS = 64;
export const ID_MAX_CHARS = 40;
export const NAME_MAX_CHARS = 64;
export const URL_MAX_CHARS = 2048;
export const TIME_ZONE_MAX_CHARS = 64;
export const KEEP_MAX_CHARS = 256;
export const PROPS_MAX_ENTRIES = 30;
export const PROP_KEY_MAX_CHARS = 64;
export const PROP_VALUE_MAX_CHARS = 500;
/** The longest engaged time that one view may report: a day, in milliseconds. */
export const ENGAGED_MAX_MS = 24 * 60 * 60 * 1000;

/** How long the collector recognizes a repeated event id, in milliseconds. */
export const DEDUPLICATION_WINDOW_MS = 48 * 60 * 60 * 1000;

/** The name of an event that was sent without a name. */
export const PAGEVIEW = 'pageview';
/** The reserved name of the beacon that ends a view. It is stored, but never counted. */
export const LEAVE = 'leave';
