import type { CpuTimes } from './os.ts';

/** Messages between the parent and the load generator. */

/** A request as parts, with one gap between each two parts. */
export interface Template {
  parts: readonly string[];
  gaps: readonly Gap[];
}

/**
 * The part that differs between requests: the id of the request sent `idOf` requests earlier (0 is the request itself), or the
 * address of a visitor, which changes each time the templates start over.
 */
export type Gap = { idOf: number } | { visitor: number };

/** The length of an id in characters. It is constant, so that all requests of a template have the same length. */
export const ID_CHARS = 24;

export interface BurstSpec {
  port: number;
  /** The process whose CPU time is read at the start and at the end. */
  pid: number;
  connections: number;
  /** Time of unmeasured load at the start, in milliseconds: V8 drops the optimized code of an idle server. */
  preloadMs: number;
  measuredMs: number;
  /** The number of responses, including unmeasured ones, after which the burst ends early. */
  maxRequests: number;
  /** Requests per second on a fixed schedule. If null, each connection sends again as soon as it has its response. */
  rate: number | null;
  /** The requests to send, in turn. */
  templates: Template[];
  /** Number of requests sent earlier from these templates, so that no visitor returns. Default: 0. */
  sentBefore?: number;
  /** The start of every id; unique per burst. */
  idPrefix: string;
  expectedStatus: number;
  /** Text, in lower case, that the head of every response must contain. If empty, any head is accepted. */
  expectedHead: string;
}

export interface BurstResult {
  /** Number of responses within the measured time. */
  requests: number;
  /** Number of responses from start to end, including unmeasured ones. */
  answered: number;
  seconds: number;
  cpu: CpuTimes;
  /** CPU time of the generator itself, in milliseconds. */
  generatorMs: number;
  /** Number of unexpected responses, and the first few of them. */
  wrong: { count: number; samples: string[] };
  /** Time from the scheduled instant (open loop) or from sending (closed loop) to the last byte, in milliseconds. */
  latency: { p50: number; p99: number; max: number };
  /** How late the generator sent by its own schedule, in milliseconds; 0 in a closed loop. */
  late: { p50: number; p99: number; max: number };
  bytesPerAnswer: number;
}
