import type { Static, TObject, TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import { entryOf } from '../entry-of.ts';
import { ApiError } from '../errors.ts';

/** Queries as they stand in an address, read by an endpoint's schema. Nothing unknown is ignored, nothing is guessed. */

const INTEGER = /^-?\d{1,15}$/;
/** How much of what somebody wrote is repeated to him. */
const ECHO_MAX_CHARS = 80;

type Check = (value: unknown) => boolean;
const checks = new WeakMap<TSchema, Check>();

/** Whether a value fits a schema; compiled once per schema. */
export function fits(schema: TSchema, value: unknown): boolean {
  let check = checks.get(schema);
  if (check === undefined) {
    const validator = Compile(schema);
    check = (candidate) => validator.Check(candidate);
    checks.set(schema, check);
  }
  return check(value);
}

/**
 * The query of an address, typed. Integers are read from digits; a parameter that takes several values is a list.
 *
 * @throws ApiError INVALID_QUERY naming the parameter and what it takes, INVALID_DATE_RANGE for `start` and `end`
 */
export function readQuery<Query extends TObject>(schema: Query, search: URLSearchParams): Static<Query> {
  const known: Readonly<Record<string, TSchema>> = schema.properties;
  const values: Record<string, unknown> = {};
  for (const name of new Set(search.keys())) {
    const parameter = entryOf(known, name);
    if (parameter === undefined)
      throw new ApiError('INVALID_QUERY', { detail: hint(name, Object.keys(known)) });
    values[name] = readValue(name, parameter, search.getAll(name));
  }
  for (const [name, parameter] of Object.entries(known)) {
    if (!(name in values) && 'default' in parameter) values[name] = parameter.default;
  }
  const missing = (schema.required ?? []).find((name: string) => !(name in values));
  if (missing !== undefined)
    throw new ApiError('INVALID_QUERY', { detail: `${missing} is missing. ${describe(known[missing])}` });
  return values as Static<Query>; // every value was checked against its part of the schema, and all that are required are there
}

function readValue(name: string, schema: TSchema, texts: readonly string[]): unknown {
  const refuse = (what: string) =>
    new ApiError(name === 'start' || name === 'end' ? 'INVALID_DATE_RANGE' : 'INVALID_QUERY', {
      detail: `${name} ${what}. ${describe(schema)}`.trim(),
    });
  const type: unknown = 'type' in schema ? schema.type : undefined;
  if (type === 'array') {
    if (!fits(schema, texts)) throw refuse('is given too often, or one is too long');
    return texts;
  }
  const [text = ''] = texts;
  if (texts.length > 1) throw refuse(`is given ${texts.length} times`);
  const value = type === 'integer' && INTEGER.test(text) ? Number(text) : text;
  if (!fits(schema, value)) {
    const near = nearest(text, wordsOf(schema));
    throw refuse(`is "${text.slice(0, ECHO_MAX_CHARS)}"${near === null ? '' : ` (did you mean ${near}?)`}`);
  }
  return value;
}

/** Words that a parameter takes: all of them, or examples of what fits its pattern. */
function wordsOf(schema: TSchema): string[] {
  const {
    enum: words,
    pattern,
    examples,
  } = schema as { enum?: string[]; pattern?: string; examples?: string[] };
  return words ?? (pattern === undefined ? [] : (examples ?? []));
}

function describe(schema: TSchema | undefined): string {
  return schema !== undefined && 'description' in schema ? String(schema.description) : '';
}

function hint(name: string, known: readonly string[]): string {
  const said = `There is no query parameter "${name.slice(0, ECHO_MAX_CHARS)}" here.`;
  if (known.length === 0) return `${said} This endpoint takes none.`;
  const near = nearest(name, known);
  return near === null ? `${said} There are: ${known.join(', ')}.` : `${said} Did you mean "${near}"?`;
}

/** The known name that differs least, where it differs little. */
export function nearest(name: string, known: readonly string[]): string | null {
  const written = name.slice(0, ECHO_MAX_CHARS).toLowerCase();
  const [first] = known
    .map((candidate) => ({ candidate, distance: editDistance(written, candidate) }))
    .sort((a, b) => a.distance - b.distance);
  return first !== undefined && first.distance <= Math.max(2, first.candidate.length / 3)
    ? first.candidate
    : null;
}

/** Characters to insert, delete or change to get from one text to another. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const changed = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(changed, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
