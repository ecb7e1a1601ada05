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

/** A decimal number as shops write it: digits, and a dot before the decimals. No exponent, sign `+`, blank or separator. */
const DECIMAL = '^-?[0-9]{1,15}([.][0-9]{1,15})?$';

/**
 * A beacon that a page sends to the collector: version 1, defined once for both sides.
 *
 * Changes only add to the format. Unknown fields are ignored, so that a newer script works with an older server. A known field
 * of the wrong type or length makes the beacon malformed: values are never coerced or cut. Four exceptions leave no doubt about
 * what was meant: a property that is null is left out, a value may be a decimal string, a currency may be in lower case, and a key
 * may be surrounded by something else, such as blanks or quotes.
 */
export const Beacon = Type.Object({
  /** The public site key. */
  key: Type.String({ minLength: 1, maxLength: KEY_MAX_CHARS }),
  /** The event's unique id, created in the page. A repeat within 48 hours is not counted again; without an id, it is. */
  id: Type.Optional(Type.String({ minLength: 1, maxLength: ID_MAX_CHARS })),
  /** The name of the event; `pageview` if absent. `leave` is reserved for the end of a view. */
  name: Type.Optional(Type.String({ minLength: 1, maxLength: NAME_MAX_CHARS })),
  /** The page's absolute http(s) URL. */
  url: Type.String({ minLength: 1, maxLength: URL_MAX_CHARS }),
  keep: Type.Optional(
    Type.String({
      maxLength: KEEP_MAX_CHARS,
      description:
        'Query parameters that are part of the page, separated by "|"; "#" keeps the hash. Of the others, only utm_*, ref and source are read: URLs can contain names, tokens and click ids.',
      examples: ['id|page', '#'],
    }),
  ),
  ref: Type.Optional(
    Type.String({
      maxLength: URL_MAX_CHARS,
      description: 'The referrer (document.referrer), if it is on another site.',
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
    Type.Refine(
      Type.Record(
        Type.String({ maxLength: PROP_KEY_MAX_CHARS }),
        Type.Union([
          Type.String({ maxLength: PROP_VALUE_MAX_CHARS }),
          Type.Number(),
          Type.Boolean(),
          Type.Null(),
        ]),
        {
          propertyNames: { maxLength: PROP_KEY_MAX_CHARS },
          description: `Properties of the event, by name: at most ${PROPS_MAX_ENTRIES}. A property that is null is left out and not counted. Arrays and objects are refused.`,
          examples: [{ plan: 'pro', seats: 5 }],
        },
      ),
      // Not `maxProperties`, which would count those that are left out.
      (props) => Object.values(props).filter((value) => value !== null).length <= PROPS_MAX_ENTRIES,
    ),
  ),
  value: Type.Optional(
    Type.Union([Type.Number(), Type.String({ pattern: DECIMAL })], {
      description:
        'The value of a conversion, in units of currency: a number, or a decimal string such as "49.90".',
      examples: [49.9],
    }),
  ),
  currency: Type.Optional(
    Type.String({ pattern: '^[A-Za-z]{3}$', description: 'ISO 4217, in any case.', examples: ['EUR'] }),
  ),
  interactive: Type.Optional(
    Type.Boolean({
      description:
        'Default: true. false: the visitor did not trigger the event, so it does not end a bounce.',
    }),
  ),
  view: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: ID_MAX_CHARS,
      description: 'On a leave and on events: the id of their page view.',
    }),
  ),
  engaged: Type.Optional(
    Type.Number({
      minimum: 0,
      maximum: ENGAGED_MAX_MS,
      description: 'On a leave: visible and focused time of the view, in milliseconds.',
    }),
  ),
  scroll: Type.Optional(
    Type.Number({
      minimum: 0,
      maximum: 100,
      description: 'On a leave: greatest scroll depth of the view, as a percentage of the page height.',
    }),
  ),
  width: Type.Optional(
    Type.Number({ minimum: 0, maximum: 100_000, description: 'Viewport width in CSS pixels.' }),
  ),
  tz: Type.Optional(
    Type.String({
      maxLength: TIME_ZONE_MAX_CHARS,
      description:
        'IANA time zone of the browser. It determines the country if the address and the proxy do not.',
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
      { description: 'On a leave, from the full build: web vitals in milliseconds; cls has no unit.' },
    ),
  ),
});
export type Beacon = Static<typeof Beacon>;

/**
 * Several beacons in one request. The response lists the `outcomes`, one per beacon in the same order, and `errors`: of each refused
 * beacon the `index`, the `code`, the `error` as for a single one, and the `field` if one was wrong.
 */
export const BeaconBatch = Type.Array(Beacon, { minItems: 1, maxItems: BATCH_MAX_BEACONS });
export type BeaconBatch = Static<typeof BeaconBatch>;
