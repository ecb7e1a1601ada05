import { addEvents, addOwners, createFiles } from '../support/data.ts';
import { startOurs } from '../support/program.ts';
import type { Options, Report } from '../support/report.ts';
import { Scope } from '../support/scope.ts';
import { median, spread } from '../support/stats.ts';

/** From the start of the process to its listening, with nothing stored and with millions of events. */
export async function startup(report: Report, { quick, checkout }: Options): Promise<void> {
  const many = quick ? 1_000_000 : 10_000_000;
  report.title(`startup: nothing stored against ${many} events`);
  await Scope.run(async (scope) => {
    const folders = [];
    for (const events of [0, many]) {
      const folder = await scope.folder();
      await createFiles(checkout, folder);
      const [owner] = addOwners(folder, [50]);
      addEvents(folder, owner?.sites ?? [], events);
      folders.push({ events, folder, times: [] as number[] });
    }
    for (let round = 0; round < (quick ? 3 : 7); round++) {
      for (const { folder, times } of folders) {
        const program = await scope.program(startOurs(checkout, folder, { placement: 'anywhere' }));
        times.push(program.startedInMs);
        await scope.stopPrograms();
      }
    }
    for (const { events, times } of folders)
      report.line(`  ${String(events).padStart(9)} events: listening after ${spread(times, 0)} ms`);
    const [none = [], some = []] = folders.map(({ times }) => times);
    report.line(`  ratio of the medians ${(median(some) / median(none)).toFixed(2)}`);
  });
}
