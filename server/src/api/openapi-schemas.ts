import type { TSchema } from 'typebox';
import { ReportedEvent } from '../app/reported-event.ts';
import { BreakdownItem } from './breakdown.ts';
import { EventItem } from './events.ts';
import { FunnelItem } from './funnel.ts';
import { GoalItem } from './goals.ts';
import { JourneyItem } from './journey.ts';
import { LedgerItem } from './ledger.ts';
import { Period } from './period.ts';
import { SegmentItem } from './segments.ts';
import { SiteItem } from './sites.ts';
import { Point } from './timeseries.ts';
import { Totals } from './totals.ts';
import { VitalsItem } from './vitals.ts';

/** Converts TypeBox schemas to those of the OpenAPI document. */

export type Json = Record<string, unknown>;

/** The named parts of responses. Client generators create a type for each. */
export const PARTS: Readonly<Record<string, TSchema>> = {
  Site: SiteItem,
  Period,
  Totals,
  Point,
  BreakdownRow: BreakdownItem,
  VitalsRow: VitalsItem,
  Event: EventItem,
  Goal: GoalItem,
  Segment: SegmentItem,
  FunnelRow: FunnelItem,
  JourneyRow: JourneyItem,
  LedgerLine: LedgerItem,
  ReportedEvent,
};

/** Replaces the named parts of a schema with references. */
export function referring(schema: TSchema): Json {
  const names = new Map(Object.entries(PARTS).map(([name, part]) => [JSON.stringify(plain(part)), name]));
  const walk = (value: unknown): unknown => {
    const name = isJson(value) ? names.get(JSON.stringify(value)) : undefined;
    if (name !== undefined) return { $ref: `#/components/schemas/${name}` };
    if (Array.isArray(value)) return value.map(walk);
    return isJson(value) ? Object.fromEntries(Object.entries(value).map(([k, v]) => [k, walk(v)])) : value;
  };
  return walk(plain(schema)) as Json; // a schema is an object, and stays one
}

/** The pattern with which a TypeBox record accepts any property name. */
const ANY_NAME = '^.*$';

/** Converts a schema to the form that client generators expect: enums with a type, records with `additionalProperties`. */
export function plain(schema: object): Json {
  const walk = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(walk);
    if (!isJson(value)) return value;
    const { patternProperties, ...rest } = value;
    const each = isJson(patternProperties) ? patternProperties[ANY_NAME] : undefined;
    const isOfTexts = Array.isArray(rest.enum) && rest.enum.every((word) => typeof word === 'string');
    return Object.fromEntries(
      Object.entries({
        ...(isOfTexts ? { type: 'string' } : {}),
        ...rest,
        ...(each === undefined ? {} : { additionalProperties: each }),
      }).map(([name, part]) => [name, walk(part)]),
    );
  };
  return walk(schema) as Json; // a schema is an object, and stays one
}

function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
