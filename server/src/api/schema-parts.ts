import { type TSchema, Type } from 'typebox';

/** Schemas that several answers are made of. Each has an example, since examples of whole answers are put together from them. */

/** An instant, as every answer writes one. */
export const Instant = (description: string) =>
  Type.String({ format: 'date-time', description, examples: ['2026-05-14T13:05:09.120Z'] });

export const SiteId = Type.String({
  description: 'The site that was asked about.',
  examples: ['site_abc123'],
});

export const Count = (description: string, example = 0) =>
  Type.Integer({ minimum: 0, description, examples: [example] });

/** A text, or null for what is not known. */
export const Maybe = (description: string, example: string | null = null) =>
  Type.Union([Type.String(), Type.Null()], { description, examples: [example] });

/** One of some words, or null for what is not known. */
export const MaybeOneOf = <const Words extends readonly string[]>(
  words: Words,
  description: string,
  example: Words[number] | null = null,
) => Type.Union([Type.Enum([...words]), Type.Null()], { description, examples: [example] });

/** Stands where a text has no example. */
export const NO_EXAMPLE = '…';

/** An example of what fits a schema: its own, else put together from those of its parts. Optional parts are left out. */
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

/** What JSON Schema says of a value, as far as ours use it. */
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
