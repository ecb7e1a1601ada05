import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';

/** CPU time and memory of a process, from the operating system. Linux only. */

/** The unit of time in `/proc/PID/stat`, a hundredth of a second: https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html */
const TICKS_PER_SECOND = 100;
const MS_PER_TICK = 1000 / TICKS_PER_SECOND;

/** CPU time used so far, in milliseconds, user and system together. */
export interface CpuTimes {
  /** All threads, including those that have ended. */
  process: number;
  /** The thread that handles HTTP. */
  main: number;
  /** The worker threads, such as the writer. */
  workers: number;
  /** All running threads, without rounding to hundredths of a second, for short bursts. */
  alive: number;
  /** Everything on this machine, including this process. */
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
  /** The same time without rounding, if this machine provides it. */
  exactMs: number;
}

const NS_PER_MS = 1e6;
/** Whether the kernel provides exact CPU times: https://docs.kernel.org/scheduler/sched-stats.html#proc-pid-schedstat */
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

/**
 * Returns whether a thread runs JavaScript of a `Worker`. Node names some of its own threads, but these only in newer versions.
 */
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

/** Returns the CPU time of a process and its children, including ended ones, in milliseconds. */
export function familyCpuMs(pid: number): number {
  const fields = fieldsAfterName(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  const ended = (Number(fields[13]) + Number(fields[14])) * MS_PER_TICK;
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  const running = [String(pid), ...(children === '' ? [] : children.split(' '))];
  return running.reduce((sum, each) => sum + usedMs(readFileSync(`/proc/${each}/stat`, 'utf8')), ended);
}

/** Returns the resident memory of a process, in bytes. */
export function residentBytes(pid: number): number {
  const line = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(line?.[1] ?? Number.NaN) * 1024;
}

const canPin =
  availableParallelism() > 1 && spawnSync('taskset', ['-c', '0', 'true'], { stdio: 'ignore' }).status === 0;

/** Returns whether processes can be pinned to one core here. */
export function pinning(): boolean {
  return canPin;
}

/** Returns a command line that runs on one core only, if the machine allows it. */
export function onCore(core: number | null, command: readonly string[]): string[] {
  return core === null || !canPin ? [...command] : ['taskset', '-c', String(core), ...command];
}

/** Pins the thread that handles HTTP to one core, and leaves the other threads of its process free. */
export function pinMainThread(pid: number, core: number): void {
  if (canPin) spawnSync('taskset', ['-cp', String(core), String(pid)], { stdio: 'ignore' });
}
