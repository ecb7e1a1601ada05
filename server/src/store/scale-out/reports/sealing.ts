import type { Server } from '../../drivers/clickhouse.ts';
import type { BegunGeneration, Generations } from '../generations.ts';
import { RowsMissing, type SiteDay } from '../shipping.ts';
import { countGenerations, deleteGenerations, fillGeneration } from '../warehouse/day-tables.ts';
import { replicaState } from '../warehouse/schema.ts';

/** Failures in a row after which the rest is left to the next run. A single large day that fails does not keep others open. */
const FAILURES_MAX = 3;

/** How long a generation waits until its server has all rows that it must have. */
const ALL_ROWS_DEADLINE_MS = 10_000;
const ALL_ROWS_LOOK_MS = 100;

/** Makes generations of open days before a day, until there are no more. @returns the number of site days */
export async function sealDays(
  server: Server,
  generations: Generations,
  { beforeDay, signal }: { beforeDay: number; signal: AbortSignal | undefined },
): Promise<number> {
  let sealed = 0;
  const failures: unknown[] = [];
  let inARow = 0;
  while (inARow < FAILURES_MAX && signal?.aborted !== true) {
    const begun = await generations.begin(beforeDay);
    if (begun === null) break;
    try {
      sealed += await make(server, generations, begun, signal);
      inARow = 0;
    } catch (error) {
      if (signal?.aborted) break;
      failures.push(error);
      inARow += 1;
    }
  }
  if (failures.length > 0) throw failures[0];
  return sealed;
}

/** Makes a generation of an open day, unless another process is making it. */
export async function makeOpenDay(server: Server, generations: Generations, day: SiteDay): Promise<void> {
  const begun = await generations.beginOpen(day);
  if (begun !== null) await make(server, generations, begun, undefined);
}

/** Deletes the rows of generations that are no longer read. */
export async function deleteLeftovers(
  server: Server,
  generations: Generations,
  signal: AbortSignal | undefined,
): Promise<void> {
  while (signal?.aborted !== true) {
    const leftovers = await generations.leftovers();
    if (leftovers.length === 0) return;
    await deleteGenerations(server, leftovers);
    await generations.forget(leftovers);
  }
}

async function make(
  server: Server,
  generations: Generations,
  begun: BegunGeneration,
  signal: AbortSignal | undefined,
): Promise<number> {
  // The rows of all marks made before the beginning. Another replica may have acknowledged them.
  await untilAllRows(server, signal);
  await fillGeneration(server, begun, signal);
  const { day, generation } = begun;
  const siteDays = begun.siteIds.map((siteId) => ({ siteId, day, generation }));
  const made = await countGenerations(server, siteDays);
  return generations.commit(
    begun,
    made.map(({ siteId, found: rows }) => ({ siteId, day, rows })),
  );
}

/** @throws RowsMissing at the deadline, or when aborted */
async function untilAllRows(server: Server, signal: AbortSignal | undefined): Promise<void> {
  const start = performance.now();
  // A table that is not replicated has all rows.
  while ((await replicaState(server))?.hasAll === false) {
    if (performance.now() - start > ALL_ROWS_DEADLINE_MS || signal?.aborted)
      throw new RowsMissing(`ClickHouse: ${server.name} is missing rows of other replicas`);
    await new Promise((resolve) => setTimeout(resolve, ALL_ROWS_LOOK_MS));
  }
}
