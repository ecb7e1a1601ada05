import { readFileSync } from 'node:fs';

const KIB_PER_MIB = 1024;

/** Memory that a process really holds now, in MiB; null where the system does not say. */
export function residentMib(pid: number): number | null {
  if (process.platform !== 'linux') return null;
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return kib === undefined ? null : Number(kib) / KIB_PER_MIB;
}

/** Watches a process's memory while something goes on. @returns the most it held, in MiB */
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
