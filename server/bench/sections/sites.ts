import { setTimeout as sleep } from 'node:timers/promises';
import type { BurstResult, Template } from '../support/burst.ts';
import { addEvents, addOwners, createFiles, type Owner } from '../support/data.ts';
import { cpuTimes } from '../support/os.ts';
import { type Program, startBaseline, startOurs } from '../support/program.ts';
import type { Options, Report } from '../support/report.ts';
import { exactCpuMicros, figures, interleave, type Round, ratios } from '../support/rounds.ts';
import { Scope } from '../support/scope.ts';
import { median, spread } from '../support/stats.ts';
import { sitesRequest } from '../support/traffic.ts';

/** Compares `GET /api/v1/sites` with a Fastify that returns an empty list, by number of listed sites and of stored events. */

const CONNECTIONS = 8;
/** Number of requests after which V8 has compiled the hot code, so that warm servers are compared. */
const WARM_UP_REQUESTS = 20_000;
/**
 * Number of listed sites from which requests are sent one at a time: a server that is late for beacons refuses API requests.
 */
const ONE_AT_A_TIME_FROM_SITES = 1_000;
/** Share of the requests that a quick run sends. */
const QUICK_SHARE = 0.5;

/**
 * Number of sites per account, number of such accounts, and requests per burst. An account may send 600 requests per minute,
 * and all bursts of a shape may run within one minute.
 */
const SHAPES = [
  { sites: 1, accounts: 200, requests: 5_000 },
  { sites: 3, accounts: 200, requests: 5_000 },
  { sites: 50, accounts: 100, requests: 2_500 },
  { sites: 1_000, accounts: 16, requests: 500 },
  { sites: 10_000, accounts: 2, requests: 40 },
] as const;

/** Limit on the ratio between many and few stored events, which should be 1. The rest is noise. */
const FLAT = 1.15;

/** Share of a core below which a server is at rest. */
const AT_REST = 0.05;
/** How long a server must stay below `AT_REST`, in milliseconds. */
const REST_MS = 3_000;
const LOOK_MS = 500;
const REST_DEADLINE_MS = 600_000;

const FASTIFY = 'bare Fastify GET';

export async function sites(report: Report, { quick, checkout }: Options): Promise<void> {
  report.title('sites: GET /api/v1/sites against a Fastify GET that does nothing');
  await Scope.run(async (scope) => {
    const fastify = await scope.program(startBaseline('fastify', { placement: 'one core' }));
    const burst = (
      program: Program,
      templates: Template[],
      { requests, status, connections }: { requests: number; status: number; connections: number },
    ) =>
      scope.load.burst({
        port: program.port,
        pid: program.pid,
        connections,
        preloadMs: 500,
        measuredMs: 8_000,
        maxRequests: requests,
        rate: null,
        templates,
        idPrefix: '',
        expectedStatus: status,
        expectedHead: '',
      });
    const warmUp = (program: Program, templates: Template[]) =>
      burst(program, templates, { requests: WARM_UP_REQUESTS, status: 200, connections: CONNECTIONS });

    await warmUp(fastify, [sitesRequest('none')]);
    const servers = [];
    for (const events of quick ? [100_000, 1_000_000] : [0, 1_000_000, 10_000_000]) {
      const folder = await scope.folder();
      await createFiles(checkout, folder);
      const owners = addOwners(
        folder,
        SHAPES.flatMap(({ sites, accounts }) => Array<number>(accounts).fill(sites)),
      );
      addEvents(
        folder,
        owners.flatMap((owner) => owner.sites),
        events,
      );
      const program = await scope.program(startOurs(checkout, folder, { placement: 'one core' }));
      await atRest(program);
      await warmUp(
        program,
        owners.filter(({ sites }) => sites.length === 1).map(({ apiKey }) => sitesRequest(apiKey)),
      );
      servers.push({ events, program, owners });
    }
    const share = quick ? QUICK_SHARE : 1;
    for (const shape of SHAPES) {
      const asked = {
        requests: Math.max(20, shape.requests * share),
        connections: shape.sites < ONE_AT_A_TIME_FROM_SITES ? CONNECTIONS : 1,
      };
      const contenders: { name: string; burst(): Promise<BurstResult> }[] = [
        {
          // Always concurrent: sent one at a time, requests to the baseline cost twice as much, which would flatter our server.
          name: FASTIFY,
          burst: () =>
            burst(fastify, [sitesRequest('none')], {
              requests: 24_000 * share,
              status: 200,
              connections: CONNECTIONS,
            }),
        },
      ];
      for (const { events, program, owners } of servers) {
        const asking = owners.filter((owner) => owner.sites.length === shape.sites);
        const questions = asking.map(({ apiKey }) => sitesRequest(apiKey));
        contenders.push(
          {
            name: `${events} events, the same list`,
            burst: () => burst(program, questions, { ...asked, status: 200 }),
          },
          {
            name: `${events} events, 304`,
            burst: async () => burst(program, await withTags(program, asking), { ...asked, status: 304 }),
          },
        );
      }
      try {
        const rounds = await interleave(quick ? 3 : 6, contenders);
        print(
          report,
          shape,
          rounds,
          contenders.map(({ name }) => name),
        );
      } catch (error) {
        report.check(`${shape.sites} sites can be listed: ${error}`, false);
      }
    }
  });
}

/** Waits until a server that has just started has sealed the past days and checked its strings. */
async function atRest({ pid, name }: Program): Promise<void> {
  const deadlineMs = performance.now() + REST_DEADLINE_MS;
  for (let restsMs = 0; restsMs < REST_MS; ) {
    if (performance.now() > deadlineMs) throw new Error(`${name} does not come to rest`);
    const before = cpuTimes(pid).alive;
    await sleep(LOOK_MS);
    restsMs = cpuTimes(pid).alive - before < LOOK_MS * AT_REST ? restsMs + LOOK_MS : 0;
  }
}

/** Returns requests of clients that already have the response. */
async function withTags(program: Program, owners: readonly Owner[]): Promise<Template[]> {
  const templates = [];
  for (const { apiKey } of owners) {
    const response = await fetch(`http://127.0.0.1:${program.port}/api/v1/sites`, {
      headers: { authorization: `Bearer ${apiKey}` },
    });
    await response.arrayBuffer();
    templates.push(sitesRequest(apiKey, response.headers.get('etag')));
  }
  return templates;
}

function print(
  report: Report,
  { sites }: { sites: number },
  rounds: readonly Round[],
  names: readonly string[],
): void {
  for (const name of names) {
    const bytes = median(figures(rounds, name, (result) => result.bytesPerAnswer));
    report.line(
      `  ${String(sites).padStart(6)} sites, ${name.padEnd(29)} ${median(
        figures(rounds, name, exactCpuMicros),
      )
        .toFixed(1)
        .padStart(9)} µs CPU, ` +
        `${bytes.toFixed(0).padStart(8)} bytes  : ${FASTIFY} ${spread(ratios(rounds, [name, FASTIFY], exactCpuMicros))}`,
    );
  }
  const same = names.filter((name) => name.endsWith('the same list'));
  // Compares with ten times as many events, not with none, because a store without events has no counters to read.
  const [fewer, most] = [same.at(-2) ?? '', same.at(-1) ?? ''];
  report.target(
    `${sites} sites, ${most} over ${fewer}`,
    median(ratios(rounds, [most, fewer], exactCpuMicros)),
    { atMost: FLAT },
  );
}
