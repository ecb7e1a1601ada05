import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { addOwners, createFiles, type Site } from '../support/data.ts';
import { residentBytes } from '../support/os.ts';
import { startOurs } from '../support/program.ts';
import { Random } from '../support/random.ts';
import type { Options, Report } from '../support/report.ts';
import { cpuMicros, describe, interleave, ratios } from '../support/rounds.ts';
import { Scope } from '../support/scope.ts';
import { median, spread } from '../support/stats.ts';
import { beacons } from '../support/traffic.ts';

/** Measures the cost of a million sites without events: memory, startup time, and the time to find a site by its key. */

const SIZES = [1, 1_000, 1_000_000] as const;
const SETTLE_MS = 3_000;
const LOOK_UPS = 1_000_000;
const WARM_UP = 30_000;

export async function memory(report: Report, { quick, checkout }: Options): Promise<void> {
  report.title('memory: 1, 1,000 and 1,000,000 sites');
  await Scope.run(async (scope) => {
    const servers = [];
    for (const size of SIZES) {
      const folder = await scope.folder();
      await createFiles(checkout, folder);
      const [owner] = addOwners(folder, [size]);
      const sites = owner?.sites ?? [];
      const nanoseconds = await lookUp(checkout, folder, sites);
      const program = await scope.program(
        startOurs(checkout, folder, { placement: 'one core', name: `${size} sites` }),
      );
      await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
      const resident = residentBytes(program.pid);
      report.line(
        `  ${String(size).padStart(9)} sites: ${(resident / 2 ** 20).toFixed(0)} MiB resident, started with ${(program.startedCpuMs / 1000).toFixed(2)} s of CPU, ` +
          `${nanoseconds.toFixed(0)} ns of CPU to resolve one of all keys at random`,
      );
      servers.push({
        name: program.name,
        program,
        resident,
        nanoseconds,
        templates: beacons(sites.slice(0, 1), 5_000),
      });
    }
    const [one, , million] = servers;
    if (one === undefined || million === undefined) throw new Error('no servers');
    report.target('bytes of memory per site at 1M', (million.resident - one.resident) / 1e6, {
      atMost: 1_000,
    });
    report.target('seconds of CPU to start with 1M sites', million.program.startedCpuMs / 1000, {
      atMost: 5,
    });

    const spec = {
      connections: 64,
      preloadMs: 1_000,
      measuredMs: quick ? 2_000 : 4_000,
      maxRequests: Number.MAX_SAFE_INTEGER,
      rate: null,
      expectedStatus: 202,
      expectedHead: 'x-attractos-outcome: stored',
    };
    for (const { program, templates } of servers)
      await scope.load.burst({
        ...spec,
        ...{
          port: program.port,
          pid: program.pid,
          templates,
          idPrefix: 'w-',
          maxRequests: WARM_UP,
          measuredMs: 10_000,
        },
      });
    const rounds = await interleave(
      quick ? 3 : 8,
      servers.map(({ name, program, templates }) => ({
        name,
        burst: (round: number) =>
          scope.load.burst({
            ...spec,
            port: program.port,
            pid: program.pid,
            templates,
            idPrefix: `r${round}-`,
          }),
      })),
    );
    for (const { name } of servers) report.line(describe(rounds, name));
    const values = ratios(rounds, [million.name, one.name], cpuMicros);
    report.line(`  CPU per beacon, 1M sites : 1 site  ${spread(values)}`);
    report.target('CPU per beacon, 1M sites over 1', median(values), { atMost: 1.05 });
    const perBeaconNs = median(rounds.map((round) => cpuMicros(round.get(one.name) ?? never()))) * 1000;
    report.target(
      'a beacon with a key drawn from all 1M, over one with the only key (by the look-ups alone)',
      1 + (million.nanoseconds - one.nanoseconds) / perBeaconNs,
      { atMost: 1.05 },
    );
  });
}

function never(): never {
  throw new Error('a round without a result');
}

/** Measures the CPU nanoseconds to resolve a random key, as a new string like one from a parsed body. */
async function lookUp(checkout: string, dataDir: string, sites: readonly Site[]): Promise<number> {
  const load = async (file: string) => (await import(pathToFileURL(join(checkout, file)).href)) as unknown;
  const { SiteDirectory } = (await load(
    'server/src/collect/site-by-key.ts',
  )) as typeof import('../../src/collect/site-by-key.ts');
  const { openShared } = (await load('server/src/store/open.ts')) as typeof import('../../src/store/open.ts');
  const store = await openShared({ dataDir });
  const directory = new SiteDirectory({
    registry: store.registry,
    clock: { now: () => Date.now() },
    rate: { perSecond: 1, burst: 1 },
    onOutage: () => {},
  });
  await directory.start();
  const random = new Random(11);
  const bytes = Buffer.from(Array.from({ length: LOOK_UPS }, () => random.of(sites).key).join(''), 'latin1');
  const keyChars = bytes.length / LOOK_UPS;
  const pass = () => {
    const before = process.cpuUsage();
    for (let i = 0; i < LOOK_UPS; i++) {
      if (directory.resolve(bytes.toString('latin1', i * keyChars, (i + 1) * keyChars)).kind !== 'live')
        throw new Error('a key was not found');
    }
    const { user, system } = process.cpuUsage(before);
    return ((user + system) * 1000) / LOOK_UPS;
  };
  const passes = [pass(), pass(), pass()];
  directory.stop();
  await store.close();
  return Math.min(...passes);
}
