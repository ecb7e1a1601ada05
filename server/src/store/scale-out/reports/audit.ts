import type { Audit } from '../../contract/store.ts';
import type { CountedGeneration, Generations } from '../generations.ts';
import type { SiteDay } from '../shipping.ts';
import { ALL_RELATIONS, countGenerations, dayKey } from '../warehouse/day-tables.ts';
import type { OnServer } from '../warehouse/replicas.ts';

/** Compares the rows of all generations in force with what they should be, a bounded number at once. */
export async function auditGenerations(on: OnServer, generations: Generations): Promise<Audit['rollups']> {
  const found: Audit['rollups'] = [];
  let after: SiteDay | null = null;
  for (;;) {
    const step: CountedGeneration[] = await generations.unchangedAfter(after);
    if (step.length === 0) return found;
    const counts = await on((server) => countGenerations(server, step));
    for (const { siteId, day, generation, rows, counted } of step) {
      const there = counts.get(dayKey({ siteId, day }));
      const expected = { ...rows, ...counted };
      for (const relation of ALL_RELATIONS) {
        const kept = there?.[relation] ?? 0;
        if (kept !== expected[relation])
          found.push({
            ...{ siteId, day, what: `${relation} in generation ${generation}` },
            ...{ kept, rows: expected[relation] },
          });
      }
    }
    after = step.at(-1) ?? null;
  }
}
