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
  keep: Type.Optional(
    Type.String({
      maxLength: KEEP_MAX_CHARS,
      description:
        'Names of query parameters to keep in the path of the page, separated by "|". No others but utm_*, ref and source are kept: addresses carry names, tokens and click ids.',
      examples: ['id|page'],
    }),
  ),
  ref: Type.Optional(
    Type.String({
      maxLength: URL_MAX_CHARS,
      description: 'Address of the page that led here, where it is not of the same site: document.referrer.',
      examples: ['https://chatgpt.com/'],
    }),
  ),
  nav: Type.Optional(
    Type.Union(
      [
        Type.Literal('load'),
        Type.Literal('reload'),
        Type.Literal('back'),
        Type.Literal('soft'),
        Type.Literal('prerender'),
        Type.Literal('bfcache'),
      ],
      { description: 'How the view began.' },
    ),
  ),
  props: Type.Optional(
    Type.Record(
      Type.String({ maxLength: PROP_KEY_MAX_CHARS }),
      Type.Union([Type.String({ maxLength: PROP_VALUE_MAX_CHARS }), Type.Number(), Type.Boolean()]),
      {
        maxProperties: PROPS_MAX_ENTRIES,
        propertyNames: { maxLength: PROP_KEY_MAX_CHARS },
        description: `Properties of the event, by name: at most ${PROPS_MAX_ENTRIES}.`,
        examples: [{ plan: 'pro', seats: 5 }],
      },
    ),
  ),
  value: Type.Optional(
    Type.Number({ description: "A conversion's worth, in units of currency.", examples: [49.9] }),
  ),
  currency: Type.Optional(
    Type.String({ pattern: '^[A-Z]{3}$', description: 'ISO 4217, upper case.', examples: ['EUR'] }),
  ),
  view: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: ID_MAX_CHARS,
      description: 'Of a leave, and of events: the id of their page view.',
    }),
  ),
  engaged: Type.Optional(
    Type.Number({
      minimum: 0,
      maximum: ENGAGED_MAX_MS,
      description: 'Of a leave: how long the view was visible and in focus, milliseconds.',
    }),
  ),
  scroll: Type.Optional(
    Type.Number({
      minimum: 0,
      maximum: 100,
      description: 'Of a leave: deepest scroll position of the view, per cent of the page.',
    }),
  ),
  width: Type.Optional(
    Type.Number({ minimum: 0, maximum: 100_000, description: 'Width of the viewport, CSS pixels.' }),
  ),
  tz: Type.Optional(
    Type.String({
      maxLength: TIME_ZONE_MAX_CHARS,
      description: 'IANA time zone of the browser: the country, where nothing better is known.',
      examples: ['Europe/Berlin'],
    }),
  ),
  vitals: Type.Optional(
    Type.Object(
      {
        lcp: Type.Optional(Type.Number({ minimum: 0 })),
        inp: Type.Optional(Type.Number({ minimum: 0 })),
        cls: Type.Optional(Type.Number({ minimum: 0 })),
        fcp: Type.Optional(Type.Number({ minimum: 0 })),
        ttfb: Type.Optional(Type.Number({ minimum: 0 })),
      },
      { description: 'Of a leave, from the full build: web vitals, milliseconds; cls without unit.' },
    ),
  ),
});
export type Beacon = Static<typeof Beacon>;

/** Several beacons in one request, as a page sends them after it was offline. */
export const BeaconBatch = Type.Array(Beacon, { minItems: 1, maxItems: BATCH_MAX_BEACONS });
export type BeaconBatch = Static<typeof BeaconBatch>;
