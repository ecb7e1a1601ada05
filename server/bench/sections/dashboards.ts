import type { BurstSpec } from '../support/burst.ts';
import { Dashboards, type Looks } from '../support/dashboards.ts';
import { addEvents, addOwners, createFiles, sumUpDays, totals } from '../support/data.ts';
import { startOurs } from '../support/program.ts';
import type { Options, Report } from '../support/report.ts';
import { figures, interleave, rate, ratios } from '../support/rounds.ts';
import { Scope } from '../support/scope.ts';
import { median, spread } from '../support/stats.ts';
import { beacons } from '../support/traffic.ts';

/**
 * Measures how long beacons wait while owners view dashboards: load at half of the server's capacity, on a fixed schedule,
 * without dashboards and with dashboards that refresh.
 */

const OWNERS = 10;
const EVENTS = 1_000_000;
const EVENTS_QUICK = 300_000;
const LOOKS_PER_SECOND = 2;
const CONNECTIONS = 64;
const WARM_UP = 20_000;

const ALONE = 'no viewers';
const WATCHED = 'dashboards refresh';

export async function dashboards(report: Report, { quick, checkout }: Options): Promise<void> {
  report.title('dashboards: durable beacons at half load, while reports are read');
  await Scope.run(async (scope) => {
    const folder = await scope.folder();
    await createFiles(checkout, folder);
    const owners = addOwners(folder, Array<number>(OWNERS).fill(1));
    const sites = owners.flatMap((owner) => owner.sites);
    const stored = quick ? EVENTS_QUICK : EVENTS;
    addEvents(folder, sites, stored);
    await sumUpDays(checkout, folder);
    const ours = await scope.program(startOurs(checkout, folder, { placement: 'main thread on one core' }));
    const spec: BurstSpec = {
      port: ours.port,
      pid: ours.pid,
      connections: CONNECTIONS,
      preloadMs: 1_000,
      measuredMs: 5_000,
      maxRequests: WARM_UP,
      rate: null,
      templates: beacons(sites, 5_000),
      idPrefix: 's-',
      expectedStatus: 202,
      expectedHead: '',
    };
    const saturated = await scope.load.burst(spec);
    let acknowledged = saturated.answered;
    const halfRate = Math.round(rate(saturated) / 2);
    const viewers = owners.flatMap(({ apiKey, sites: [site] }) =>
      site === undefined ? [] : [{ apiKey, siteId: site.id }],
    );
    const watching = new Dashboards({
      url: `http://127.0.0.1:${ours.port}`,
      viewers,
      perSecond: LOOKS_PER_SECOND,
    });
    const allLooks: Looks[] = [];
    const burst = async (idPrefix: string) => {
      const result = await scope.load.burst({
        ...spec,
        ...{ measuredMs: quick ? 4_000 : 8_000, maxRequests: Number.MAX_SAFE_INTEGER },
        ...{ rate: halfRate, idPrefix },
      });
      acknowledged += result.answered;
      return result;
    };
    const rounds = await interleave(quick ? 5 : 12, [
      { name: ALONE, burst: (round) => burst(`a${round}-`) },
      {
        name: WATCHED,
        burst: async (round) => {
          const { result, looks } = await watching.during(burst(`w${round}-`));
          allLooks.push(looks);
          return result;
        },
      },
    ]);
    for (const name of [ALONE, WATCHED]) {
      report.line(
        `  ${name.padEnd(20)} ${halfRate} requests/s  p50 ${spread(figures(rounds, name, (r) => r.latency.p50))} ms  ` +
          `p99 ${spread(figures(rounds, name, (r) => r.latency.p99))} ms  ` +
          `late p99 ${spread(figures(rounds, name, (r) => r.late.p99))} ms`,
      );
    }
    report.line(
      `  a dashboard of 30 days (eight questions, ${stored / OWNERS} events a site): ` +
        `p50 ${spread(
          allLooks.map(({ p50 }) => p50),
          0,
        )} ms, p99 ${spread(
          allLooks.map(({ p99 }) => p99),
          0,
        )} ms, ` +
        `${allLooks.reduce((sum, { count }) => sum + count, 0)} looks`,
    );
    const grown = ratios(rounds, [WATCHED, ALONE], (result) => result.latency.p99);
    report.line(`  p99 with dashboards over p99 without: ${spread(grown)}`);
    const p99 = median(figures(rounds, WATCHED, (result) => result.latency.p99));
    report.target('p99 of beacons while dashboards refresh, ms', p99, { atMost: 25 });
    await scope.stopPrograms();
    const { rows, counted } = totals(folder);
    report.check(
      `stored before ${stored} + acknowledged ${acknowledged} = rows ${rows} = counted ${counted}`,
      rows === stored + acknowledged && counted === rows,
    );
  });
}
