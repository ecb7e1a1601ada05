import { PROPS_MAX_ENTRIES } from '../../../tracker/wire/limits.ts';

/** A compiled schema that can list errors. */
interface Shape {
  Errors(value: unknown): readonly { instancePath: string; message: string }[];
}

/**
 * Returns the first validation error of an event, such as `props.plan must be string`; null if it is valid. Explaining takes a
 * hundred times as long as checking, so it examines at most one property more than an event may have.
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
