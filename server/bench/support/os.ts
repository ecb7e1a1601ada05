import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';

/** What the operating system says of a process: the CPU time it used and the memory it holds. Linux only. */

/** Of `/proc/PID/stat`, which counts in hundredths of a second: https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html */
const TICKS_PER_SECOND = 100;
const MS_PER_TICK = 1000 / TICKS_PER_SECOND;

/** CPU time used so far, milliseconds, user and system together. */
export interface CpuTimes {
  /** All threads, those that have ended included. */
  process: number;
  /** The thread that speaks HTTP. */
  main: number;
  /** Worker threads: the writer. */
  workers: number;
  /** All threads that have not ended, not rounded to hundredths of a second: for short bursts. */
  alive: number;
  /** Everything on this machine, this process included. */
  machine: number;
}

function fieldsAfterName(stat: string): string[] {
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

function usedMs(stat: string): number {
  const fields = fieldsAfterName(stat);
  return (Number(fields[11]) + Number(fields[12])) * MS_PER_TICK;
}

interface Thread {
  id: number;
  name: string;
  cpuMs: number;
  /** The same, not rounded, where this machine tells. */
  exactMs: number;
}

const NS_PER_MS = 1e6;
/** https://docs.kernel.org/scheduler/sched-stats.html#proc-pid-schedstat */
const isExact = existsSync('/proc/self/schedstat');

function threadsOf(pid: number): Thread[] {
  return readdirSync(`/proc/${pid}/task`).map((id) => {
    const stat = readFileSync(`/proc/${pid}/task/${id}/stat`, 'utf8');
    const cpuMs = usedMs(stat);
    const exact = isExact ? readFileSync(`/proc/${pid}/task/${id}/schedstat`, 'utf8') : null;
    return {
      id: Number(id),
      name: stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')')),
      cpuMs,
      exactMs: exact === null ? cpuMs : Number(exact.split(' ')[0]) / NS_PER_MS,
    };
  });
}

/** Threads that run JavaScript of a `Worker`. Node names some of its own threads, but these only in newer versions. */
function isWorker(name: string): boolean {
  return /worker/i.test(name) && !/^(V8Worker|libuv-worker)/.test(name);
}

function machineMs(): number {
  const [, user, nice, system, , , irq, softIrq] = (
    readFileSync('/proc/stat', 'utf8').split('\n', 1)[0] ?? ''
  ).split(/\s+/);
  return [user, nice, system, irq, softIrq].reduce((sum, ticks) => sum + Number(ticks) * MS_PER_TICK, 0);
}

export function cpuTimes(pid: number): CpuTimes {
  const threads = threadsOf(pid);
  return {
    process: usedMs(readFileSync(`/proc/${pid}/stat`, 'utf8')),
    main: threads.find(({ id }) => id === pid)?.cpuMs ?? 0,
    workers: threads.filter(({ name }) => isWorker(name)).reduce((sum, { cpuMs }) => sum + cpuMs, 0),
    alive: threads.reduce((sum, { exactMs }) => sum + exactMs, 0),
    machine: machineMs(),
  };
}

/** CPU time used so far by a process and its children, those that have ended included, milliseconds. */
export function familyCpuMs(pid: number): number {
  const fields = fieldsAfterName(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  const ended = (Number(fields[13]) + Number(fields[14])) * MS_PER_TICK;
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  const running = [String(pid), ...(children === '' ? [] : children.split(' '))];
  return running.reduce((sum, each) => sum + usedMs(readFileSync(`/proc/${each}/stat`, 'utf8')), ended);
}

/** Resident memory, bytes. */
export function residentBytes(pid: number): number {
  const line = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(line?.[1] ?? Number.NaN) * 1024;
}

const canPin =
  availableParallelism() > 1 && spawnSync('taskset', ['-c', '0', 'true'], { stdio: 'ignore' }).status === 0;

/** Whether processes can be kept on one core here. */
export function pinning(): boolean {
  return canPin;
}

/** A command line that runs on one core only, where that can be had. */
export function onCore(core: number | null, command: readonly string[]): string[] {
  return core === null || !canPin ? [...command] : ['taskset', '-c', String(core), ...command];
}

/** Moves the thread that speaks HTTP to one core and leaves the others of its process free. */
export function pinMainThread(pid: number, core: number): void {
  if (canPin) spawnSync('taskset', ['-cp', String(core), String(pid)], { stdio: 'ignore' });
}
