import type { Audit } from '../../contract/store.ts';
import type { CountedGeneration, Generations } from '../generations.ts';
import type { SiteDay } from '../shipping.ts';
import { ALL_RELATIONS, countGenerations } from '../warehouse/day-tables.ts';
import type { OnServer } from '../warehouse/replicas.ts';

/** Compares the rows of all generations in force with what they should be, a bounded number at once. */
export async function auditGenerations(on: OnServer, generations: Generations): Promise<Audit['rollups']> {
  const found: Audit['rollups'] = [];
  let after: SiteDay | null = null;
  for (;;) {
    const step: CountedGeneration[] = await generations.unchangedAfter(after);
    if (step.length === 0) return found;
    for (const each of await on((server) => countGenerations(server, step))) {
      const expected = { ...each.rows, ...each.counted };
      for (const relation of ALL_RELATIONS)
        if (each.found[relation] !== expected[relation])
          found.push({
            ...{ siteId: each.siteId, day: each.day, what: `${relation} in generation ${each.generation}` },
            ...{ kept: each.found[relation], rows: expected[relation] },
          });
    }
    after = step.at(-1) ?? null;
  }
}
