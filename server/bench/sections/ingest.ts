import type { BurstResult, BurstSpec, Template } from '../support/burst.ts';
import { addOwners, createFiles, type Site, totals } from '../support/data.ts';
import { type Program, startBaseline, startOurs } from '../support/program.ts';
import type { Options, Report } from '../support/report.ts';
import { cpuMicros, describe, interleave, quietRounds, type Round, rate, ratios } from '../support/rounds.ts';
import { Scope } from '../support/scope.ts';
import { median, spread } from '../support/stats.ts';
import { beacons, newcomers } from '../support/traffic.ts';

/**
 * Compares durable, deduplicated and counted beacons with a Fastify that only responds, and with Node's own server. At the end
 * everything acknowledged is recounted.
 */

const CONNECTIONS = 64;
const TEMPLATES = 5_000;
/** Number of templates for new visitors. It is larger, because their beacons are far apart. */
const NEWCOMER_TEMPLATES = 20_000;
const NEWCOMER_SITES = 50;
const REPEATED = 500;

const FASTIFY = 'bare Fastify';
const RAW = 'raw node:http';
const SHARED = 'ours, one core for all threads';
const FREE = 'ours, writer on another core';

const STORED = 'x-attractos-outcome: stored';
const DUPLICATE = 'x-attractos-outcome: duplicate';

/** Number of requests before the measurement. */
const WARM_UP = 40_000;
/** Limit on the time that these requests may take. */
const WARM_UP_MS = 8_000;

const UNBOUNDED = Number.MAX_SAFE_INTEGER;

/** The traffic to send, and the contenders to measure with it. */
interface Plan {
  sites: number;
  templatesOf(sites: readonly Site[]): Template[];
  names: readonly string[];
}

/** A server under load, and the number of beacons it acknowledged. */
interface Contender {
  name: string;
  program: Program;
  dataDir: string;
  templates: Template[];
  acknowledged: number;
}

/** Measures easy traffic: the same 2,000 visitors of one site return, so that most events join a visit. */
export async function ingest(report: Report, options: Options): Promise<void> {
  report.title('ingest: one durable, deduplicated, counted beacon against doing nothing');
  await measure(report, options, {
    sites: 1,
    templatesOf: (sites) => beacons(sites, TEMPLATES),
    names: [FASTIFY, SHARED, RAW, FREE],
  });
}

/** Measures hard traffic: every visitor is new, views some pages of one of many sites, and leaves each of them. */
export async function ingestNewcomers(report: Report, options: Options): Promise<void> {
  report.title(`ingest-newcomers: the same of ${NEWCOMER_SITES} sites, every visitor new, half of it leaves`);
  await measure(report, options, {
    sites: NEWCOMER_SITES,
    templatesOf: (sites) => newcomers(sites, NEWCOMER_TEMPLATES),
    names: [FASTIFY, SHARED],
  });
}

async function measure(report: Report, { quick, checkout }: Options, plan: Plan): Promise<void> {
  await Scope.run(async (scope) => {
    const contenders: Contender[] = [];
    for (const name of plan.names) contenders.push(await start(scope, { name, checkout, plan }));
    const ours = contenders.filter(isOurs);

    const specOf = (contender: Contender, idPrefix: string): BurstSpec => ({
      port: contender.program.port,
      pid: contender.program.pid,
      connections: CONNECTIONS,
      preloadMs: 1_000,
      measuredMs: quick ? 2_000 : 4_000,
      maxRequests: UNBOUNDED,
      rate: null,
      templates: contender.templates,
      sentBefore: contender.acknowledged,
      idPrefix,
      expectedStatus: 202,
      expectedHead: isOurs(contender) ? STORED : '',
    });
    const burst = async (contender: Contender, spec: BurstSpec): Promise<BurstResult> => {
      const result = await scope.load.burst(spec);
      contender.acknowledged += result.answered;
      return result;
    };
    // Warm up first, because the cost of a server's first seconds is not typical.
    for (const contender of contenders)
      await burst(contender, { ...specOf(contender, 'w-'), maxRequests: WARM_UP, measuredMs: WARM_UP_MS });
    const rounds = await interleave(
      quick ? 3 : 8,
      contenders.map((contender) => ({
        name: contender.name,
        burst: (round: number) => burst(contender, specOf(contender, `r${round}-`)),
      })),
    );
    reportRounds(report, rounds, plan.names);

    for (const contender of ours) {
      // Sends the first requests of the first burst again, in the same order.
      const again = await scope.load.burst({
        ...specOf(contender, 'r0-'),
        preloadMs: 0,
        maxRequests: REPEATED,
        expectedHead: DUPLICATE,
      });
      report.check(
        `${contender.name}: ${again.answered} repeated ids were duplicates`,
        again.answered >= REPEATED,
      );
    }
    await scope.stopPrograms();
    for (const { name, dataDir, acknowledged } of ours) {
      const { rows, leaves, counted, ledger, deduplicationKeys } = totals(dataDir);
      report.check(
        `${name}: acknowledged ${acknowledged} = rows ${rows} and leaves ${leaves} = keys ${deduplicationKeys}; counted ${counted} = ledger ${ledger} = rows`,
        [rows + leaves, deduplicationKeys].every((number) => number === acknowledged) &&
          [counted, ledger].every((number) => number === rows),
      );
    }
  });
}

function isOurs({ name }: { name: string }): boolean {
  return name === SHARED || name === FREE;
}

async function start(
  scope: Scope,
  { name, checkout, plan }: { name: string; checkout: string; plan: Plan },
): Promise<Contender> {
  const dataDir = await scope.folder();
  await createFiles(checkout, dataDir);
  const [owner] = addOwners(dataDir, [plan.sites]);
  const program = await scope.program(starting(name, { checkout, dataDir }));
  return { name, program, dataDir, templates: plan.templatesOf(owner?.sites ?? []), acknowledged: 0 };
}

function starting(
  name: string,
  { checkout, dataDir }: { checkout: string; dataDir: string },
): Promise<Program> {
  const placement = name === FREE ? 'main thread on one core' : 'one core';
  if (isOurs({ name })) return startOurs(checkout, dataDir, { placement });
  return startBaseline(name === FASTIFY ? 'fastify' : 'http', { placement });
}

function reportRounds(report: Report, rounds: readonly Round[], names: readonly string[]): void {
  for (const name of names) report.line(describe(rounds, name));
  report.line();
  for (const [name, yardstick] of [
    [SHARED, FASTIFY],
    [SHARED, RAW],
    [FREE, FASTIFY],
    [RAW, FASTIFY],
  ] as const) {
    if (!names.includes(name) || !names.includes(yardstick)) continue;
    report.line(
      `  CPU per request, ${name} : ${yardstick}  ${spread(ratios(rounds, [name, yardstick], cpuMicros))}`,
    );
  }
  report.target(
    'CPU per event over a bare Fastify, one core',
    median(ratios(rounds, [SHARED, FASTIFY], cpuMicros)),
    { atMost: 2.0 },
  );
  for (const [name, atLeast] of [
    [SHARED, 0.6],
    [FREE, 0.8],
  ] as const) {
    if (!names.includes(name)) continue;
    const { rounds: calm, quiet } = quietRounds(rounds, [name, FASTIFY]);
    const values = ratios(calm, [name, FASTIFY], rate);
    report.line(
      `  requests/s, ${name} : ${FASTIFY}  ${spread(values)}${quiet ? '' : '  (never quiet: disturbed by others)'}`,
    );
    report.target(`requests/s over a bare Fastify, ${name}`, median(values), { atLeast });
  }
}
