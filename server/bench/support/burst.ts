import type { CpuTimes } from './os.ts';

/** What the parent and the generator of load say to each other. */

/** A request's bytes: its parts with a gap between each two. */
export interface Template {
  parts: readonly string[];
  gaps: readonly Gap[];
  /** In place of what the burst expects. */
  expectedStatus?: number;
}

/**
 * What differs from request to request: the id of the request that was sent so many before, 0 for its own; or the address
 * of a visitor of these templates, who is another one each time that they begin anew.
 */
export type Gap = { idOf: number } | { visitor: number };

/** The characters of an id, so that all requests of a template have one length. */
export const ID_CHARS = 24;

export interface BurstSpec {
  port: number;
  /** The process whose CPU time is read at the start and at the end. */
  pid: number;
  connections: number;
  /** Unmeasured load first: V8 drops the optimised code of an idle server. */
  preloadMs: number;
  measuredMs: number;
  /** Ends the burst early when as many requests have been answered, the unmeasured ones included. */
  maxRequests: number;
  /** Requests a second on a fixed schedule; null: each connection asks as soon as it was answered. */
  rate: number | null;
  /** Taken in turn. */
  templates: Template[];
  /** Requests sent before from these templates, so that their visitors do not come again. None, where it is absent. */
  sentBefore?: number;
  /** Begins every id; unique per burst. */
  idPrefix: string;
  expectedStatus: number;
  /** Must occur in the head of every answer, in lower case; empty: anything will do. */
  expectedHead: string;
}

export interface BurstResult {
  /** Answers within the measured time. */
  requests: number;
  /** Answers from start to end, the unmeasured ones included. */
  answered: number;
  seconds: number;
  cpu: CpuTimes;
  /** CPU time of the generator itself, milliseconds. */
  generatorMs: number;
  /** Answers that were not as expected: the first few, and how many. */
  wrong: { count: number; samples: string[] };
  /** From the scheduled instant (open loop) or the sending to the last byte, milliseconds. */
  latency: { p50: number; p99: number; max: number };
  /** How late the generator sent, against its own schedule, milliseconds; 0 in closed loop. */
  late: { p50: number; p99: number; max: number };
  bytesPerAnswer: number;
}
