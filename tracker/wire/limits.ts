/**
 * The limits of the wire, plain constants that the page and the collector both run on.
 * Imports nothing, so that the tracker's bundle takes only what it uses.
 */

/** Largest body of one beacon, in bytes of UTF-8. */
export const BEACON_MAX_BYTES = 8 * 1024;
/** Largest body of a batch, in bytes of UTF-8. Browsers allow about as much in flight to `sendBeacon` anyway. */
export const BATCH_MAX_BYTES = 64 * 1024;
/** Most beacons in one batch. */
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
/** Longest engaged time one view may report: a day, in milliseconds. */
export const ENGAGED_MAX_MS = 24 * 60 * 60 * 1000;

/** How long the collector recognises a repeated event id. */
export const DEDUPLICATION_WINDOW_MS = 48 * 60 * 60 * 1000;

/** The name an event has when it says none. */
export const PAGEVIEW = 'pageview';
/** The reserved name of the note that a view has ended: stored, never counted. */
export const LEAVE = 'leave';
