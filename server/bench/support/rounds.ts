import type { BurstResult } from './burst.ts';
import { median } from './stats.ts';

/** Alternating bursts of several servers, and their comparison. */

/** Load of other processes, in cores, above which requests per second mean nothing. CPU time is still valid. */
const QUIET_CORES = 0.3;

/** One burst per contender, run within seconds of each other. */
export type Round = ReadonlyMap<string, BurstResult>;

/** Runs every contender once per round, starting with a different one each time. */
export async function interleave(
  rounds: number,
  contenders: readonly { name: string; burst(round: number): Promise<BurstResult> }[],
): Promise<Round[]> {
  const done: Round[] = [];
  for (let round = 0; round < rounds; round++) {
    const results = new Map<string, BurstResult>();
    for (let i = 0; i < contenders.length; i++) {
      const contender = contenders[(round + i) % contenders.length];
      if (contender !== undefined) results.set(contender.name, await contender.burst(round));
    }
    done.push(results);
  }
  return done;
}

export function cpuMicros(result: BurstResult): number {
  return (result.cpu.process * 1000) / result.requests;
}

/** Returns the CPU time per request of the running threads, without rounding, for short bursts. */
export function exactCpuMicros(result: BurstResult): number {
  return (result.cpu.alive * 1000) / result.requests;
}

export function rate(result: BurstResult): number {
  return result.requests / result.seconds;
}

/** Returns the cores used by other processes than the server and the generator. */
export function othersCores(result: BurstResult): number {
  return (result.cpu.machine - result.cpu.process - result.generatorMs) / (result.seconds * 1000);
}

/** Returns the results of a contender, per round. */
export function figures(
  rounds: readonly Round[],
  name: string,
  figure: (result: BurstResult) => number,
): number[] {
  return rounds.flatMap((round) => {
    const result = round.get(name);
    return result === undefined ? [] : [figure(result)];
  });
}

/** Returns one contender's figure divided by another's, round by round. */
export function ratios(
  rounds: readonly Round[],
  [name, yardstick]: readonly [string, string],
  figure: (result: BurstResult) => number,
): number[] {
  return rounds.flatMap((round) => {
    const [a, b] = [round.get(name), round.get(yardstick)];
    return a === undefined || b === undefined ? [] : [figure(a) / figure(b)];
  });
}

/**
 * Returns the rounds in which the machine was otherwise idle during these contenders' bursts, or all rounds if there are none.
 */
export function quietRounds(
  rounds: readonly Round[],
  names: readonly string[],
): { rounds: readonly Round[]; quiet: boolean } {
  const quiet = rounds.filter((round) =>
    names.every((name) => {
      const result = round.get(name);
      return result !== undefined && othersCores(result) <= QUIET_CORES;
    }),
  );
  return quiet.length > 0 ? { rounds: quiet, quiet: true } : { rounds, quiet: false };
}

/** Describes a contender in one line: CPU per request by thread, requests per second, and the load on the generator. */
export function describe(rounds: readonly Round[], name: string): string {
  const middle = (figure: (result: BurstResult) => number) => median(figures(rounds, name, figure));
  const part = (thread: 'main' | 'workers') =>
    middle((result) => (result.cpu[thread] * 1000) / result.requests).toFixed(1);
  const workers = middle((result) => result.cpu.workers);
  return [
    `  ${name.padEnd(34)} ${middle(cpuMicros).toFixed(1).padStart(7)} µs CPU`,
    workers > 0 ? ` (main ${part('main')}, writer ${part('workers')})` : '',
    `  ${middle(rate).toFixed(0)} requests/s`,
    `  generator ${(middle((r) => r.generatorMs / (r.seconds * 1000)) * 100).toFixed(0)} % of a core`,
    `  others ${middle(othersCores).toFixed(2)} cores`,
  ].join('');
}
