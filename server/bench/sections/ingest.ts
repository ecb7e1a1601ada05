import type { BurstResult, BurstSpec, Template } from '../support/burst.ts';
import { addOwners, createFiles, makeFolder, totals } from '../support/data.ts';
import { Load } from '../support/load.ts';
import { LOAD_CORE, type Program, startBaseline, startOurs } from '../support/program.ts';
import type { Options, Report } from '../support/report.ts';
import { cpuMicros, describe, interleave, quietRounds, rate, ratios } from '../support/rounds.ts';
import { median, spread } from '../support/stats.ts';
import { beacons } from '../support/traffic.ts';

/**
 * Durable, deduplicated and counted beacons against a Fastify that only answers, and against Node's own server. At the end
 * everything acknowledged is counted again. The traffic is kind in one way: the same 2,000 visitors of one site come again
 * and again, so that most events join a visit that is there. Many new visitors cost the writer more.
 */

const CONNECTIONS = 64;
const TEMPLATES = 5_000;
const REPEATED = 500;

const FASTIFY = 'bare Fastify';
const RAW = 'raw node:http';
const SHARED = 'ours, one core for all threads';
const FREE = 'ours, writer on another core';

/** Requests before anything is measured, and the time they may take. */
const WARM_UP = 40_000;
const WARM_UP_MS = 8_000;

const UNBOUNDED = Number.MAX_SAFE_INTEGER;

/** A server under load, and all that it acknowledged. */
interface Contender {
  name: string;
  program: Program;
  expectedHead: string;
  acknowledged: number;
}

export async function ingest(report: Report, { quick, checkout }: Options): Promise<void> {
  report.title('ingest: one durable, deduplicated, counted beacon against doing nothing');
  const folders = [await makeFolder(), await makeFolder()] as const;
  const load = new Load(LOAD_CORE);
  const programs: Program[] = [];
  try {
    const templates: Template[][] = [];
    for (const { path } of folders) {
      await createFiles(checkout, path);
      const [owner] = addOwners(path, [1]);
      templates.push(beacons(owner?.sites ?? [], TEMPLATES));
    }
    const contenders: Contender[] = [];
    const add = async (name: string, starting: Promise<Program>, expectedHead: string) => {
      const program = await starting;
      programs.push(program);
      contenders.push({ name, program, expectedHead, acknowledged: 0 });
    };
    const stored = 'x-attractos-outcome: stored';
    await add(FASTIFY, startBaseline('fastify', { placement: 'one core' }), '');
    await add(SHARED, startOurs(checkout, folders[0].path, { placement: 'one core' }), stored);
    await add(RAW, startBaseline('http', { placement: 'one core' }), '');
    await add(FREE, startOurs(checkout, folders[1].path, { placement: 'main thread on one core' }), stored);

    const specOf = (contender: Contender, idPrefix: string): BurstSpec => ({
      port: contender.program.port,
      pid: contender.program.pid,
      connections: CONNECTIONS,
      preloadMs: 1_000,
      measuredMs: quick ? 2_000 : 4_000,
      maxRequests: UNBOUNDED,
      rate: null,
      templates: (contender.name === FREE ? templates[1] : templates[0]) ?? [],
      idPrefix,
      expectedStatus: 202,
      expectedHead: contender.expectedHead,
    });
    // Compiled code first: what a server costs in its first seconds is not what it costs.
    for (const contender of contenders) {
      const warmUp = { ...specOf(contender, 'w-'), maxRequests: WARM_UP, measuredMs: WARM_UP_MS };
      contender.acknowledged += (await load.burst(warmUp)).answered;
    }
    const rounds = await interleave(
      quick ? 3 : 8,
      contenders.map((contender) => ({
        name: contender.name,
        burst: async (round: number): Promise<BurstResult> => {
          const result = await load.burst(specOf(contender, `r${round}-`));
          contender.acknowledged += result.answered;
          return result;
        },
      })),
    );

    for (const { name } of contenders) report.line(describe(rounds, name));
    report.line();
    for (const [name, yardstick] of [
      [SHARED, FASTIFY],
      [SHARED, RAW],
      [FREE, FASTIFY],
      [RAW, FASTIFY],
    ] as const) {
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
      const { rounds: calm, quiet } = quietRounds(rounds, [name, FASTIFY]);
      const values = ratios(calm, [name, FASTIFY], rate);
      report.line(
        `  requests/s, ${name} : ${FASTIFY}  ${spread(values)}${quiet ? '' : '  (never quiet: disturbed by others)'}`,
      );
      report.target(`requests/s over a bare Fastify, ${name}`, median(values), { atLeast });
    }

    for (const contender of contenders.filter(({ name }) => name === SHARED || name === FREE)) {
      // The first requests of the first burst once more, in the same order.
      const again = await load.burst({
        ...specOf(contender, 'r0-'),
        preloadMs: 0,
        maxRequests: REPEATED,
        expectedHead: 'x-attractos-outcome: duplicate',
      });
      report.check(
        `${contender.name}: ${again.answered} repeated ids were duplicates`,
        again.answered >= REPEATED,
      );
    }
    for (const program of programs.splice(0)) await program.stop();
    for (const [i, name] of [SHARED, FREE].entries()) {
      const acknowledged = contenders.find((contender) => contender.name === name)?.acknowledged ?? 0;
      const { rows, counted, ledger, deduplicationKeys } = totals(folders[i]?.path ?? '');
      report.check(
        `${name}: acknowledged ${acknowledged} = rows ${rows} = counted ${counted} = ledger ${ledger} = keys ${deduplicationKeys}`,
        [rows, counted, ledger, deduplicationKeys].every((number) => number === acknowledged),
      );
    }
  } finally {
    load.close();
    for (const program of programs) await program.stop();
    for (const folder of folders) await folder.remove();
  }
}
