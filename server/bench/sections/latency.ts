import type { BurstSpec } from '../support/burst.ts';
import { addOwners, createFiles, totals } from '../support/data.ts';
import { startBaseline, startOurs } from '../support/program.ts';
import type { Options, Report } from '../support/report.ts';
import { figures, interleave, type Round, rate } from '../support/rounds.ts';
import { Scope } from '../support/scope.ts';
import { median, spread } from '../support/stats.ts';
import { beacons } from '../support/traffic.ts';

/**
 * Measures how long a page waits from the scheduled instant: open loop, on a fixed schedule at half of the server's capacity.
 */

const CONNECTIONS = 256;
const SATURATING_CONNECTIONS = 64;
const WARM_UP = 40_000;
/**
 * Limit on how late the generator sends, in milliseconds. A later one was starved, and its run says nothing about the server.
 */
const LATE_LIMIT_MS = 5;

const OURS = 'ours';
const FASTIFY = 'bare Fastify at the same rate';

export async function latency(report: Report, { quick, checkout }: Options): Promise<void> {
  report.title('latency: durable beacons at half load, open loop');
  await Scope.run(async (scope) => {
    const folder = await scope.folder();
    await createFiles(checkout, folder);
    const [owner] = addOwners(folder, [1]);
    const ours = await scope.program(startOurs(checkout, folder, { placement: 'main thread on one core' }));
    const fastify = await scope.program(startBaseline('fastify', { placement: 'one core' }));
    const spec: BurstSpec = {
      port: ours.port,
      pid: ours.pid,
      connections: SATURATING_CONNECTIONS,
      preloadMs: 1_000,
      measuredMs: 10_000,
      maxRequests: WARM_UP,
      rate: null,
      templates: beacons(owner?.sites ?? [], 5_000),
      idPrefix: 's-',
      expectedStatus: 202,
      expectedHead: '',
    };
    const saturated = await scope.load.burst(spec);
    await scope.load.burst({ ...spec, port: fastify.port, pid: fastify.pid });
    let acknowledged = saturated.answered;
    const halfRate = Math.round(rate(saturated) / 2);

    const rounds = await interleave(
      quick ? 4 : 12,
      [
        { name: OURS, program: ours },
        { name: FASTIFY, program: fastify },
      ].map(({ name, program }) => ({
        name,
        burst: async (round: number) => {
          const result = await scope.load.burst({
            ...spec,
            ...{ port: program.port, pid: program.pid, connections: CONNECTIONS },
            ...{ measuredMs: quick ? 3_000 : 6_000, maxRequests: Number.MAX_SAFE_INTEGER },
            ...{ rate: halfRate, idPrefix: `l${round}-` },
          });
          if (program === ours) acknowledged += result.answered;
          return result;
        },
      })),
    );
    for (const name of [OURS, FASTIFY]) {
      const used = onTime(rounds, name);
      report.line(
        `  ${name}: ${halfRate} requests/s  p50 ${spread(figures(used, name, (r) => r.latency.p50))} ms  ` +
          `p99 ${spread(figures(used, name, (r) => r.latency.p99))} ms  ` +
          `late p99 ${spread(figures(rounds, name, (r) => r.late.p99))} ms  ` +
          `${rounds.length - used.length} of ${rounds.length} runs left out: the generator was starved`,
      );
    }
    const p99 = median(figures(onTime(rounds, OURS), OURS, (result) => result.latency.p99));
    report.target('p99 at half load, ms', p99, { atMost: 25 });
    await scope.stopPrograms();
    const { rows, counted } = totals(folder);
    report.check(
      `acknowledged ${acknowledged} = rows ${rows} = counted ${counted}`,
      rows === acknowledged && counted === acknowledged,
    );
  });
}

function onTime(rounds: readonly Round[], name: string): Round[] {
  return rounds.filter((round) => (round.get(name)?.late.p99 ?? Number.POSITIVE_INFINITY) <= LATE_LIMIT_MS);
}
