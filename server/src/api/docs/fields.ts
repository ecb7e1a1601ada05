import type { TSchema } from 'typebox';

/** Schemas as lines of a table. */

export interface Field {
  /** `totals.visitors`, `sites[].id`. */
  path: string;
  type: string;
  description: string;
  optional: boolean;
}

/** The parts of JSON Schema that our schemas are made of. */
interface Schema {
  type?: string;
  const?: unknown;
  enum?: readonly unknown[];
  anyOf?: readonly Schema[];
  properties?: Readonly<Record<string, Schema>>;
  required?: readonly string[];
  items?: Schema;
  description?: string;
}

/** Every field below a schema, an object before what is in it. */
export function fieldsOf(schema: TSchema): Field[] {
  return below(schema as Schema, '');
}

function below(schema: Schema, prefix: string): Field[] {
  // Of one event or a list of them, the event.
  const object = schema.anyOf?.find(({ properties }) => properties !== undefined) ?? schema;
  return Object.entries(object.properties ?? {}).flatMap(([name, field]) => {
    const path = `${prefix}${name}`;
    const optional = !(object.required ?? []).includes(name);
    const line = { path, type: nameOf(field), description: field.description ?? '', optional };
    const inner = field.type === 'array' ? below(field.items ?? {}, `${path}[].`) : below(field, `${path}.`);
    return [line, ...inner];
  });
}

/** A type in a word or two. */
export function typeOf(schema: TSchema): string {
  return nameOf(schema as Schema);
}

function nameOf({ type, const: only, enum: values, anyOf, items }: Schema): string {
  if (only !== undefined) return JSON.stringify(only);
  if (values !== undefined) return values.map((value) => JSON.stringify(value)).join(' | ');
  if (anyOf !== undefined) return anyOf.map(nameOf).join(' | ');
  if (type === 'array') return `list of ${nameOf(items ?? {})}`;
  return type ?? 'any';
}
