import { PROP_KEY_MAX_CHARS, PROPS_MAX_ENTRIES } from '../../../tracker/wire/limits.ts';
import { ruleOf } from '../app/event-fields.ts';

/** A compiled schema that can list errors. */
interface Shape {
  Errors(value: unknown): readonly Problem[];
}

/** The parts of a validation error that are used. */
interface Problem {
  keyword: string;
  schemaPath: string;
  instancePath: string;
  params: object;
}

/** A field that makes an event malformed. */
export interface WrongField {
  /** The path of the field, such as `props.items`; empty if the event is not an object. */
  field: string;
  /** For example `props.items must be a string of at most 500 characters, a number, a boolean or null; got an array`. */
  sentence: string;
}

/**
 * Returns the first field of an event that is wrong. Explaining takes a hundred times as long as checking, so it examines at most
 * one property more than an event may have.
 *
 * @param payload an event that the shape has refused
 */
export function whatIsWrong(shape: Shape, payload: unknown): WrongField {
  const examined = withFewProps(payload);
  const [problem] = shape.Errors(examined);
  const path = problem === undefined ? [] : pathOf(problem);
  const field = path.join('.');
  const rule = ruleOf(field);
  if (problem === undefined || rule === null) return { field: '', sentence: 'it must be a JSON object' };
  return { field, sentence: `${field} must be ${rule}; ${givenOf(problem, valueAt(examined, path))}` };
}

/** Returns the path of the field that is wrong. A property with a bad name makes `props` wrong. */
function pathOf({ schemaPath, instancePath, params }: Problem): string[] {
  if ('requiredProperties' in params && Array.isArray(params.requiredProperties))
    return [String(params.requiredProperties[0])];
  const path = instancePath
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
  return schemaPath.endsWith('/propertyNames') ? path.slice(0, -1) : path;
}

function valueAt(payload: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (there, name) => Object.entries(there ?? {}).find(([key]) => key === name)?.[1],
    payload,
  );
}

/** Says what was sent instead. It repeats no strings, which could be personal data. */
function givenOf({ keyword, schemaPath }: Problem, value: unknown): string {
  if (schemaPath.endsWith('/propertyNames')) return 'got a longer name';
  if (keyword === '~refine') return 'got more';
  if (keyword === 'maxLength') return 'got a longer string';
  if (value === undefined) return 'it is missing';
  if (value === '') return 'got an empty string';
  if (typeof value === 'string') return 'got another string';
  if (typeof value === 'object' && value !== null)
    return Array.isArray(value) ? 'got an array' : 'got an object';
  return `got ${value}`;
}

/** Returns the payload with few properties. Those that are null are omitted, unless their names could be what is wrong. */
function withFewProps(payload: unknown): unknown {
  if (typeof payload !== 'object' || payload === null || !('props' in payload)) return payload;
  const { props } = payload;
  if (typeof props !== 'object' || props === null || Array.isArray(props)) return payload;
  const entries = Object.entries(props);
  if (entries.length <= PROPS_MAX_ENTRIES) return payload;
  const examined = entries
    .filter(([name, value]) => value !== null || name.length > PROP_KEY_MAX_CHARS)
    .slice(0, PROPS_MAX_ENTRIES + 1);
  return { ...payload, props: Object.fromEntries(examined) };
}
