import { addEvents, addOwners, createFiles } from '../support/data.ts';
import { startOurs } from '../support/program.ts';
import type { Options, Report } from '../support/report.ts';
import { Scope } from '../support/scope.ts';
import { median, spread } from '../support/stats.ts';

/**
 * Measures the time from process start to listening, with an empty store and with millions of events. At startup the server
 * reads the ids of the last two days, which are a fifteenth of what is stored here.
 */
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
      folders.push({ events, folder, waitsMs: [] as number[], cpuMs: [] as number[] });
    }
    for (let round = 0; round < (quick ? 3 : 7); round++) {
      for (const { folder, waitsMs, cpuMs } of folders) {
        const program = await scope.program(startOurs(checkout, folder, { placement: 'anywhere' }));
        waitsMs.push(program.startedInMs);
        cpuMs.push(program.startedCpuMs);
        await scope.stopPrograms();
      }
    }
    for (const { events, waitsMs, cpuMs } of folders)
      report.line(
        `  ${String(events).padStart(9)} events: listening after ${spread(waitsMs, 0)} ms, ${spread(cpuMs, 0)} ms of CPU`,
      );
    const [none, some] = folders;
    if (none === undefined || some === undefined) throw new Error('no rounds');
    report.target(`CPU to start with ${many} events over none`, median(some.cpuMs) / median(none.cpuMs), {
      atMost: 1.25,
    });
  });
}
