import { type Static, Type } from 'typebox';
import {
  BATCH_MAX_BEACONS,
  ENGAGED_MAX_MS,
  ID_MAX_CHARS,
  KEEP_MAX_CHARS,
  KEY_MAX_CHARS,
  NAME_MAX_CHARS,
  PROP_KEY_MAX_CHARS,
  PROP_VALUE_MAX_CHARS,
  PROPS_MAX_ENTRIES,
  TIME_ZONE_MAX_CHARS,
  URL_MAX_CHARS,
} from './limits.ts';

/**
 * What a page says to the collector, version 1: the one definition, shared by both sides.
 *
 * The format only ever grows. A field that this version does not know is ignored, so that a newer cached script and
 * an older server live together; a known field of the wrong type or length makes the beacon malformed. Nothing is
 * coerced and nothing is cut.
 */
export const Beacon = Type.Object({
  /** The public site key. */
  key: Type.String({ minLength: 1, maxLength: KEY_MAX_CHARS }),
  /** Made in the page, unique per event; a repeat within 48 hours counts once. Without it nothing is deduplicated. */
  id: Type.Optional(Type.String({ minLength: 1, maxLength: ID_MAX_CHARS })),
  /** `pageview` when absent; `leave` is reserved for the end of a view. */
  name: Type.Optional(Type.String({ minLength: 1, maxLength: NAME_MAX_CHARS })),
  /** The page's address, absolute, http or https. */
  url: Type.String({ minLength: 1, maxLength: URL_MAX_CHARS }),
  /**
   * Names of query parameters that the owner wants in the page's path, separated by `|`. The collector keeps no others but
   * `utm_*`, `ref` and `source`: addresses carry names, tokens and click ids.
   */
  keep: Type.Optional(Type.String({ maxLength: KEEP_MAX_CHARS })),
  /** `document.referrer`, where it is not the same site. */
  ref: Type.Optional(Type.String({ maxLength: URL_MAX_CHARS })),
  /** How the view began. */
  nav: Type.Optional(
    Type.Union([
      Type.Literal('load'),
      Type.Literal('reload'),
      Type.Literal('back'),
      Type.Literal('soft'),
      Type.Literal('prerender'),
      Type.Literal('bfcache'),
    ]),
  ),
  props: Type.Optional(
    Type.Record(
      Type.String({ maxLength: PROP_KEY_MAX_CHARS }),
      Type.Union([Type.String({ maxLength: PROP_VALUE_MAX_CHARS }), Type.Number(), Type.Boolean()]),
      {
        maxProperties: PROPS_MAX_ENTRIES,
        propertyNames: { maxLength: PROP_KEY_MAX_CHARS },
      },
    ),
  ),
  /** A conversion's worth, in units of `currency`. */
  value: Type.Optional(Type.Number()),
  /** ISO 4217, upper case. */
  currency: Type.Optional(Type.String({ pattern: '^[A-Z]{3}$' })),
  /** On `leave` and on events: the `id` of their page view. */
  view: Type.Optional(Type.String({ minLength: 1, maxLength: ID_MAX_CHARS })),
  /** On `leave`: visible and focused time of the view, milliseconds. */
  engaged: Type.Optional(Type.Number({ minimum: 0, maximum: ENGAGED_MAX_MS })),
  /** On `leave`: deepest scroll position of the view, per cent of the page. */
  scroll: Type.Optional(Type.Number({ minimum: 0, maximum: 100 })),
  /** Viewport width in CSS pixels. */
  width: Type.Optional(Type.Number({ minimum: 0, maximum: 100_000 })),
  /** IANA time zone of the browser. */
  tz: Type.Optional(Type.String({ maxLength: TIME_ZONE_MAX_CHARS })),
  /** On `leave`, from the full build: milliseconds, CLS without unit. */
  vitals: Type.Optional(
    Type.Object({
      lcp: Type.Optional(Type.Number({ minimum: 0 })),
      inp: Type.Optional(Type.Number({ minimum: 0 })),
      cls: Type.Optional(Type.Number({ minimum: 0 })),
      fcp: Type.Optional(Type.Number({ minimum: 0 })),
      ttfb: Type.Optional(Type.Number({ minimum: 0 })),
    }),
  ),
});
export type Beacon = Static<typeof Beacon>;

/** Several beacons in one request, as a page sends them after it was offline. */
export const BeaconBatch = Type.Array(Beacon, { minItems: 1, maxItems: BATCH_MAX_BEACONS });
export type BeaconBatch = Static<typeof BeaconBatch>;
