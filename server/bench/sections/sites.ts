import { setTimeout as sleep } from 'node:timers/promises';
import type { BurstResult, Template } from '../support/burst.ts';
import { addEvents, addOwners, createFiles, type Owner } from '../support/data.ts';
import { cpuTimes } from '../support/os.ts';
import { type Program, startBaseline, startOurs } from '../support/program.ts';
import { Random } from '../support/random.ts';
import type { Options, Report } from '../support/report.ts';
import { exactCpuMicros, figures, interleave, type Round, ratios } from '../support/rounds.ts';
import { Scope } from '../support/scope.ts';
import { median, spread } from '../support/stats.ts';
import { BATCH_MAX, batchRequest, sitesRequest, viewsOf } from '../support/traffic.ts';

/** `GET /api/v1/sites` against a Fastify that answers with an empty list: by sites in the answer, and by events stored. */

const CONNECTIONS = 8;
/** By then V8 has compiled what is asked for again and again: these servers are compared as they are after a while. */
const WARM_UP_REQUESTS = 20_000;
/** Answers from this many sites on are asked for one at a time: the server turns questions away when it is late for beacons. */
const ONE_AT_A_TIME_FROM_SITES = 1_000;
/** In shorter lists a change costs less than the cost of the beacons that bring it about varies. */
const CHANGES_FROM_SITES = 50;
/** In a quick run this share of the requests. */
const QUICK_SHARE = 0.5;

/**
 * Sites of an account, how many such accounts, requests of a burst, and the target. An account may ask 600 times a minute, and
 * all the bursts of a shape may be over within one.
 */
const SHAPES = [
  { sites: 1, accounts: 200, requests: 5_000, atMost: 2.5 },
  { sites: 3, accounts: 200, requests: 5_000, atMost: undefined },
  { sites: 50, accounts: 100, requests: 2_500, atMost: 5 },
  { sites: 1_000, accounts: 16, requests: 500, atMost: 30 },
  { sites: 10_000, accounts: 2, requests: 40, atMost: undefined },
] as const;

/** Events must not matter: this much is noise. */
const FLAT = 1.15;

/** A server is at rest when it took less than this share of a core for as long as that. */
const AT_REST = 0.05;
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
          // Always as many at once: asked one at a time, a request that does nothing costs twice as much, and flatters ours.
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
        if (program !== servers.at(-1)?.program || shape.sites < CHANGES_FROM_SITES) continue;
        contenders.push({
          name: `${events} events, another list`,
          burst: async () => {
            const { batches, mixed } = withChanges(asking, questions);
            // One at a time: where they are few among questions, none shares a commit.
            const alone = await burst(program, batches, { ...asked, connections: 1, status: 202 });
            const together = await burst(program, mixed, { ...asked, status: 200 });
            return withoutBatches(together, alone, batches.length / mixed.length);
          },
        });
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

/** Waits until a server that has just started has summed up the days before and looked through its strings. */
async function atRest({ pid, name }: Program): Promise<void> {
  const deadlineMs = performance.now() + REST_DEADLINE_MS;
  for (let restsMs = 0; restsMs < REST_MS; ) {
    if (performance.now() > deadlineMs) throw new Error(`${name} does not come to rest`);
    const before = cpuTimes(pid).alive;
    await sleep(LOOK_MS);
    restsMs = cpuTimes(pid).alive - before < LOOK_MS * AT_REST ? restsMs + LOOK_MS : 0;
  }
}

/** The questions of clients that have the answer already. */
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

/** Questions with an event before each of them that changes one of the counts in its answer, and batches of these events. */
function withChanges(
  owners: readonly Owner[],
  questions: readonly Template[],
): { batches: Template[]; mixed: Template[] } {
  const random = new Random(1);
  const view = viewsOf('example.com', random)();
  const batches: Template[] = [];
  const mixed: Template[] = [];
  for (let i = 0; i < owners.length; i += BATCH_MAX) {
    const pages = owners
      .slice(i, i + BATCH_MAX)
      .flatMap(({ sites }) => sites[random.below(sites.length)] ?? []);
    const batch = { ...batchRequest(pages, view), expectedStatus: 202 };
    batches.push(batch);
    mixed.push(batch, ...questions.slice(i, i + BATCH_MAX));
  }
  return { batches, mixed };
}

/** What the questions in a burst cost, when its batches cost as much as they do alone. */
function withoutBatches(mixed: BurstResult, batches: BurstResult, batchShare: number): BurstResult {
  const batchMs = (batches.cpu.alive / batches.requests) * mixed.requests * batchShare;
  return {
    ...mixed,
    requests: mixed.requests * (1 - batchShare),
    cpu: { ...mixed.cpu, alive: mixed.cpu.alive - batchMs },
  };
}

function print(
  report: Report,
  { sites, atMost }: { sites: number; atMost: number | undefined },
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
  // Ten times as many events. Against none the cost of counters that are there would be compared with that of none.
  const [fewer, most] = [same.at(-2) ?? '', same.at(-1) ?? ''];
  if (atMost !== undefined) {
    for (const name of names.filter(
      (each) => each.endsWith('list') && each.startsWith(most.split(',')[0] ?? ''),
    )) {
      report.target(
        `${sites} sites, ${name}, over ${FASTIFY}`,
        median(ratios(rounds, [name, FASTIFY], exactCpuMicros)),
        { atMost },
      );
    }
  }
  report.target(
    `${sites} sites, ${most} over ${fewer}`,
    median(ratios(rounds, [most, fewer], exactCpuMicros)),
    { atMost: FLAT },
  );
}
