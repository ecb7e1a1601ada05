import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { addOwners, closeFilled, createFiles, openForFilling, totals } from '../support/data.ts';
import { EVENT_FILE } from '../support/files.ts';
import { startOurs } from '../support/program.ts';
import type { Options, Report } from '../support/report.ts';
import { Scope } from '../support/scope.ts';
import { beacons } from '../support/traffic.ts';

/** Measures the total bytes on disk per event, after a checkpoint. */

const CONNECTIONS = 256;
const TEMPLATES = 20_000;
const DEADLINE_MS = 180_000;

export async function disk(report: Report, { quick, checkout }: Options): Promise<void> {
  report.title('disk: bytes per event, indexes, counters, ledger and deduplication keys included');
  const events = quick ? 60_000 : 300_000;
  for (const sites of [1, 50]) {
    await Scope.run(async (scope) => {
      const folder = await scope.folder();
      await createFiles(checkout, folder);
      const [owner] = addOwners(folder, [sites]);
      const program = await scope.program(startOurs(checkout, folder, { placement: 'anywhere' }));
      const { answered } = await scope.load.burst({
        port: program.port,
        pid: program.pid,
        connections: CONNECTIONS,
        preloadMs: 0,
        measuredMs: DEADLINE_MS,
        maxRequests: events,
        rate: null,
        templates: beacons(owner?.sites ?? [], TEMPLATES),
        idPrefix: 'd-',
        expectedStatus: 202,
        expectedHead: 'x-attractos-outcome: stored',
      });
      await scope.stopPrograms();
      closeFilled(openForFilling(folder, EVENT_FILE));
      const { rows } = totals(folder);
      const withKeys = usedBytes(folder) / rows;
      forgetKeys(folder);
      const withoutKeys = usedBytes(folder) / rows;
      report.line(
        `  ${sites} site${sites === 1 ? '' : 's'}, ${rows} events: ${withKeys.toFixed(1)} bytes an event, ${withoutKeys.toFixed(1)} once the window has passed`,
      );
      report.target(`bytes per event on the day, ${sites} sites`, withKeys, { atMost: 80 });
      report.check(`${sites} sites: acknowledged ${answered} = rows ${rows}`, rows === answered);
    });
  }
}

/** Returns the bytes of the pages in use. Free pages are reused before the file grows. */
function usedBytes(dataDir: string): number {
  const db = new DatabaseSync(join(dataDir, EVENT_FILE), { readOnly: true });
  const pragma = (name: string) => Number(db.prepare(`PRAGMA ${name}`).get()?.[name]);
  try {
    return (pragma('page_count') - pragma('freelist_count')) * pragma('page_size');
  } finally {
    db.close();
  }
}

function forgetKeys(dataDir: string): void {
  const db = openForFilling(dataDir, EVENT_FILE);
  db.exec('DELETE FROM seen');
  closeFilled(db);
}
