import { PROPS_MAX_ENTRIES } from '../../../tracker/wire/limits.ts';

/** A compiled schema, as far as it explains itself. */
interface Shape {
  Errors(value: unknown): readonly { instancePath: string; message: string }[];
}

/**
 * The first thing that is wrong with what should have been an event, such as `props.plan must be string`; null where nothing
 * is. To explain takes a hundred times as long as to check, so no more properties are looked at than it takes to see that
 * there are too many.
 */
export function whatIsWrong(shape: Shape, said: unknown): string | null {
  const [problem] = shape.Errors(withFewProps(said));
  if (problem === undefined) return null;
  const field = problem.instancePath.slice(1).replaceAll('/', '.');
  return `${field === '' ? 'it' : field} ${problem.message}`;
}

function withFewProps(said: unknown): unknown {
  if (typeof said !== 'object' || said === null || !('props' in said)) return said;
  const { props } = said;
  if (typeof props !== 'object' || props === null || Array.isArray(props)) return said;
  const entries = Object.entries(props);
  if (entries.length <= PROPS_MAX_ENTRIES) return said;
  return { ...said, props: Object.fromEntries(entries.slice(0, PROPS_MAX_ENTRIES + 1)) };
}
