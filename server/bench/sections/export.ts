import { addEvents, addOwners, addSession, createFiles } from '../support/data.ts';
import { type Program, startOurs } from '../support/program.ts';
import type { Options, Report } from '../support/report.ts';
import { Scope } from '../support/scope.ts';
import { median } from '../support/stats.ts';
import { beacons } from '../support/traffic.ts';

/** Measures how an export of all events of a large site affects beacons: event-loop delay and response time. */

const EVENTS = 1_000_000;
const ROUNDS = 5;
const QUICK_ROUNDS = 2;
/** Beacons per second, far below the capacity of the server, so that waiting is measured and not load. */
const BEACONS_PER_SECOND = 200;
const CONNECTIONS = 32;
const WARM_UP = 20_000;
const BURST_MS = 2_000;
const METRICS_TOKEN = 'token-of-the-benchmark';

interface Felt {
  /** Event-loop delays in milliseconds, including the 10 ms of the timer. */
  delay: { p99: number; max: number };
  /** Time from a beacon's scheduled sending to its response, in milliseconds: medians of the bursts, and overall maximum. */
  beacon: { p50: number; p99: number; max: number };
  seconds: number;
}

export async function exportSection(report: Report, { quick, checkout }: Options): Promise<void> {
  report.title(`export: ${EVENTS} events as CSV, and ${BEACONS_PER_SECOND} beacons a second of another site`);
  await Scope.run(async (scope) => {
    const folder = await scope.folder();
    await createFiles(checkout, folder);
    const [large, busy] = addOwners(folder, [1, 1]).flatMap(({ sites }) => sites);
    if (large === undefined || busy === undefined) throw new Error('no sites');
    addEvents(folder, [large], EVENTS);
    const cookie = `attractos_session=${addSession(folder, large.id)}`;
    const ours = await scope.program(
      startOurs(checkout, folder, { placement: 'main thread on one core', settings: { METRICS_TOKEN } }),
    );
    const spec = {
      port: ours.port,
      pid: ours.pid,
      connections: CONNECTIONS,
      preloadMs: 0,
      measuredMs: BURST_MS,
      maxRequests: Number.MAX_SAFE_INTEGER,
      rate: BEACONS_PER_SECOND,
      templates: beacons([busy], 5_000),
      expectedStatus: 202,
      expectedHead: '',
    };
    await scope.load.burst({ ...spec, rate: null, measuredMs: 10_000, maxRequests: WARM_UP, idPrefix: 'w-' });

    let bursts = 0;
    /** Sends beacons while some work runs, at least once. */
    const feel = async (work: () => Promise<unknown>): Promise<Felt> => {
      await loopDelay(ours); // reading resets it
      const startMs = performance.now();
      let working = true;
      const done = work().finally(() => {
        working = false;
      });
      const latencies = [];
      do latencies.push((await scope.load.burst({ ...spec, idPrefix: `e${bursts++}-` })).latency);
      while (working);
      await done;
      return {
        delay: await loopDelay(ours),
        beacon: {
          p50: median(latencies.map(({ p50 }) => p50)),
          p99: median(latencies.map(({ p99 }) => p99)),
          max: Math.max(...latencies.map(({ max }) => max)),
        },
        seconds: (performance.now() - startMs) / 1_000,
      };
    };

    const felt = { alone: [] as Felt[], beside: [] as Felt[] };
    for (let round = 0; round < (quick ? QUICK_ROUNDS : ROUNDS); round++) {
      felt.alone.push(await feel(() => Promise.resolve()));
      felt.beside.push(
        await feel(() =>
          exported(ours, large.id, cookie).then((rows) => report.check(`${rows} rows came`, rows === EVENTS)),
        ),
      );
    }
    print(report, 'without an export', felt.alone);
    print(report, 'beside an export', felt.beside);
  });
}

function print(report: Report, name: string, felt: readonly Felt[]): void {
  const middle = (of: (each: Felt) => number) => median(felt.map(of)).toFixed(1);
  report.line(
    `  ${name.padEnd(18)} event loop p99 ${middle(({ delay }) => delay.p99)} ms, max ${middle(({ delay }) => delay.max)} ms;  ` +
      `beacon p50 ${middle(({ beacon }) => beacon.p50)} ms, p99 ${middle(({ beacon }) => beacon.p99)} ms, ` +
      `max ${middle(({ beacon }) => beacon.max)} ms;  ${middle(({ seconds }) => seconds)} s`,
  );
}

/** Reads an export to its end. @returns the number of rows */
async function exported({ port }: Program, siteId: string, cookie: string): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${port}/dashboard/sites/${siteId}/settings/export.csv`, {
    headers: { cookie },
    redirect: 'error',
  });
  if (response.status !== 200 || response.body === null)
    throw new Error(`the export was answered ${response.status}`);
  let lines = 0;
  for await (const chunk of response.body) for (const byte of chunk) if (byte === 0x0a) lines++;
  return lines - 1;
}

/**
 * Returns Node's measurement since the last call: https://nodejs.org/api/perf_hooks.html#perf_hooksmonitoreventloopdelayoptions
 */
async function loopDelay({ port }: Program): Promise<Felt['delay']> {
  const response = await fetch(`http://127.0.0.1:${port}/metrics`, {
    headers: { authorization: `Bearer ${METRICS_TOKEN}` },
  });
  const text = await response.text();
  const msOf = (name: string) =>
    1_000 * Number(new RegExp(`^nodejs_eventloop_lag_${name}_seconds (\\S+)$`, 'm').exec(text)?.[1]);
  return { p99: msOf('p99'), max: msOf('max') };
}
