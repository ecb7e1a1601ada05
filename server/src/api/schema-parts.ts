import { type TSchema, Type } from 'typebox';

/** Schemas that several responses share. Each has an example, from which examples of whole responses are built. */

/** Creates the schema of an instant. */
export const Instant = (description: string) =>
  Type.String({ format: 'date-time', description, examples: ['2026-05-14T13:05:09.120Z'] });

export const SiteId = Type.String({
  description: 'Site ID.',
  examples: ['site_abc123'],
});

export const Count = (description: string, example = 0) =>
  Type.Integer({ minimum: 0, description, examples: [example] });

/** Creates the schema of a text that is null if unknown. */
export const Maybe = (description: string, example: string | null = null) =>
  Type.Union([Type.String(), Type.Null()], { description, examples: [example] });

/** Creates the schema of an enum that is null if unknown. */
export const MaybeOneOf = <const Words extends readonly string[]>(
  words: Words,
  description: string,
  example: Words[number] | null = null,
) => Type.Union([Type.Enum([...words]), Type.Null()], { description, examples: [example] });

/** The example of a text schema that has none of its own. */
export const NO_EXAMPLE = '…';

/** Returns an example of a schema: its own, or one built from its required parts. */
export function exampleOf(schema: TSchema): unknown {
  const { examples, const: only, enum: words, anyOf, type, properties, required, items } = schema as Parts;
  if (examples !== undefined) return examples[0];
  if (only !== undefined) return only;
  if (words !== undefined) return words[0];
  if (anyOf?.[0] !== undefined) return exampleOf(anyOf[0]);
  switch (type) {
    case 'object':
      return Object.fromEntries(
        Object.entries(properties ?? {})
          .filter(([name]) => required?.includes(name))
          .map(([name, part]) => [name, exampleOf(part)]),
      );
    case 'array':
      return items === undefined ? [] : [exampleOf(items)];
    case 'integer':
    case 'number':
      return 0;
    case 'boolean':
      return false;
    case 'string':
      return NO_EXAMPLE;
    default:
      return null;
  }
}

/** The parts of JSON Schema that our schemas use. */
interface Parts {
  examples?: readonly unknown[];
  const?: unknown;
  enum?: readonly unknown[];
  anyOf?: readonly TSchema[];
  type?: string;
  properties?: Readonly<Record<string, TSchema>>;
  required?: readonly string[];
  items?: TSchema;
}
