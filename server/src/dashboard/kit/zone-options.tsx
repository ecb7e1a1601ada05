import type { VNode } from 'preact';

/** The options of a list of time zones, including the chosen one even if it is no longer offered. */
export function ZoneOptions({ zones, chosen }: { zones: readonly string[]; chosen: string | null }): VNode {
  const all = chosen === null ? zones : [...new Set([chosen, ...zones])];
  return (
    <>
      {all.map((zone) => (
        <option value={zone} selected={zone === chosen}>
          {zone.replaceAll('_', ' ')}
        </option>
      ))}
    </>
  );
}
