import { readFileSync } from 'node:fs';

const KIB_PER_MIB = 1024;

/** Returns the resident memory of a process in MiB, or null if the system does not report it. */
export function residentMib(pid: number): number | null {
  if (process.platform !== 'linux') return null;
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return kib === undefined ? null : Number(kib) / KIB_PER_MIB;
}

/** Measures the memory of a process during some work. @returns the peak, in MiB */
export async function peakMib(pid: number, work: () => Promise<void>): Promise<number> {
  let peak = residentMib(pid) ?? 0;
  const watch = setInterval(() => {
    peak = Math.max(peak, residentMib(pid) ?? 0);
  }, 50);
  try {
    await work();
  } finally {
    clearInterval(watch);
  }
  return Math.max(peak, residentMib(pid) ?? 0);
}
