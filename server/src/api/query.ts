import type { Static, TObject, TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import { ApiError } from '../domain/errors.ts';
import { ECHO_MAX_CHARS, nearest } from '../domain/nearest.ts';
import { ownValue } from '../domain/own-value.ts';

/** Parses query strings by an endpoint's schema. Unknown parameters are refused. */

const INTEGER = /^-?\d{1,15}$/;
type Check = (value: unknown) => boolean;
const checks = new WeakMap<TSchema, Check>();

/** Returns whether a value matches a schema. Each schema is compiled once. */
function matchesSchema(schema: TSchema, value: unknown): boolean {
  let check = checks.get(schema);
  if (check === undefined) {
    const validator = Compile(schema);
    check = (candidate) => validator.Check(candidate);
    checks.set(schema, check);
  }
  return check(value);
}

/**
 * Parses a query string. Digits become integers, and a repeatable parameter becomes a list.
 *
 * @throws ApiError INVALID_QUERY with the parameter and what is expected; INVALID_DATE_RANGE for `start` and `end`
 */
export function readQuery<Query extends TObject>(schema: Query, search: URLSearchParams): Static<Query> {
  const known: Readonly<Record<string, TSchema>> = schema.properties;
  const values: Record<string, unknown> = {};
  for (const name of new Set(search.keys())) {
    const parameter = ownValue(known, name);
    if (parameter === undefined)
      throw new ApiError('INVALID_QUERY', { detail: hint(name, Object.keys(known)) });
    values[name] = readValue(name, parameter, search.getAll(name));
  }
  for (const [name, parameter] of Object.entries(known)) {
    if (!(name in values) && 'default' in parameter) values[name] = parameter.default;
  }
  const missing = (schema.required ?? []).find((name: string) => !(name in values));
  if (missing !== undefined)
    throw new ApiError('INVALID_QUERY', { detail: `${missing} is required. ${describe(known[missing])}` });
  return values as Static<Query>; // every value was checked against its part of the schema, and no required value is missing
}

function readValue(name: string, schema: TSchema, texts: readonly string[]): unknown {
  const refuse = (what: string) =>
    new ApiError(name === 'start' || name === 'end' ? 'INVALID_DATE_RANGE' : 'INVALID_QUERY', {
      detail: `${name} ${what}. ${describe(schema)}`.trim(),
    });
  const type: unknown = 'type' in schema ? schema.type : undefined;
  if (type === 'array') {
    if (!matchesSchema(schema, texts)) throw refuse(listProblem(schema, texts.length));
    return texts;
  }
  const [text = ''] = texts;
  if (texts.length > 1) throw refuse(`must be given once; got ${texts.length} values`);
  const value = type === 'integer' && INTEGER.test(text) ? Number(text) : text;
  if (!matchesSchema(schema, value)) {
    const near = nearest(text, wordsOf(schema));
    const { enum: words } = schema as { enum?: string[] };
    const expected = words === undefined ? 'is invalid' : `must be one of ${words.join(', ')}`;
    throw refuse(
      `${expected}; got "${text.slice(0, ECHO_MAX_CHARS)}"${near === null ? '' : ` (did you mean ${near}?)`}`,
    );
  }
  return value;
}

/** Says what is wrong with a list: how often it is given, or else the length of its values. */
function listProblem(schema: TSchema, given: number): string {
  const { minItems = 0, maxItems = Number.POSITIVE_INFINITY } = schema as {
    minItems?: number;
    maxItems?: number;
  };
  if (given < minItems) return `must be given at least ${minItems} times; got ${given}`;
  return given > maxItems
    ? `must be given at most ${maxItems} times; got ${given}`
    : 'has a value that is too long';
}

/** Lists the words that a parameter accepts: all words of an enum, or examples of a pattern. */
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
  const said = `Unknown query parameter "${name.slice(0, ECHO_MAX_CHARS)}".`;
  if (known.length === 0) return `${said} This endpoint takes no parameters.`;
  const near = nearest(name, known);
  return near === null ? `${said} Valid parameters: ${known.join(', ')}.` : `${said} Did you mean "${near}"?`;
}
