import type { TSchema } from 'typebox';

/** Converts schemas to the rows of a table of fields. */

export interface Field {
  /** The path of the field, such as `totals.visitors` or `sites[].id`. */
  path: string;
  type: string;
  description: string;
  optional: boolean;
}

/** The parts of JSON Schema that our schemas use. */
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

/** Lists all fields of a schema, each object before its own fields. */
export function fieldsOf(schema: TSchema): Field[] {
  return below(schema as Schema, '');
}

function below(schema: Schema, prefix: string): Field[] {
  // If the schema is one event or a list of events, use the event's schema.
  const object = schema.anyOf?.find(({ properties }) => properties !== undefined) ?? schema;
  return Object.entries(object.properties ?? {}).flatMap(([name, field]) => {
    const path = `${prefix}${name}`;
    const optional = !(object.required ?? []).includes(name);
    const line = { path, type: nameOf(field), description: field.description ?? '', optional };
    const inner = field.type === 'array' ? below(field.items ?? {}, `${path}[].`) : below(field, `${path}.`);
    return [line, ...inner];
  });
}

/** Returns a short name of a schema's type. */
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
