import { connect, type Socket } from 'node:net';
import { type BurstResult, type BurstSpec, ID_CHARS, type Template } from './burst.ts';
import { type CpuTimes, cpuTimes } from './os.ts';
import { percentile } from './stats.ts';

/**
 * Generates load in a separate process: raw sockets, prepared requests, and only as much parsing as it takes to separate
 * responses. It runs one burst per message. A burst ends when every request has its response.
 */

const WRONG_SAMPLES = 3;
const LATENCIES = 4_000_000;
/** Limit on the time to a response. If it is exceeded, the burst fails. */
const ANSWER_DEADLINE_MS = 30_000;
/** How late timers usually fire. The generator polls the clock for this long before each deadline. */
const TIMER_SLACK_MS = 2;

interface Mark {
  atMs: number;
  cpu: CpuTimes;
  generatorMs: number;
  answered: number;
}

function generatorMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** A connection that is kept open and carries one request at a time. */
class Connection {
  readonly #socket: Socket;
  readonly #onAnswer: (connection: Connection, head: string) => void;
  #pending: Buffer = Buffer.alloc(0);
  #head = '';
  #missingBytes = 0;
  startedMs = 0;
  bytes = 0;

  constructor(
    port: number,
    {
      onAnswer,
      onError,
    }: { onAnswer: (connection: Connection, head: string) => void; onError: (error: Error) => void },
  ) {
    this.#onAnswer = onAnswer;
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true });
    this.#socket.on('data', (bytes: Buffer) => this.#read(bytes));
    this.#socket.on('error', onError);
    this.#socket.on('close', () => onError(new Error('the server closed a connection')));
  }

  ready(): Promise<void> {
    return new Promise((resolve) => this.#socket.once('connect', resolve));
  }

  send(request: string, startedMs: number): void {
    this.startedMs = startedMs;
    this.bytes = 0;
    this.#socket.write(request, 'latin1');
  }

  close(): void {
    this.#socket.removeAllListeners('close');
    this.#socket.destroy();
  }

  #read(bytes: Buffer): void {
    this.bytes += bytes.length;
    if (this.#head !== '') {
      this.#missingBytes -= bytes.length;
    } else {
      const all = this.#pending.length === 0 ? bytes : Buffer.concat([this.#pending, bytes]);
      const end = all.indexOf('\r\n\r\n');
      if (end === -1) {
        this.#pending = all;
        return;
      }
      this.#pending = Buffer.alloc(0);
      this.#head = all.toString('latin1', 0, end).toLowerCase();
      this.#missingBytes = bodyBytes(this.#head) - (all.length - end - 4);
    }
    if (this.#missingBytes > 0) return;
    const head = this.#head;
    this.#head = '';
    this.#onAnswer(this, head);
  }
}

function bodyBytes(head: string): number {
  if (head.startsWith('304', 9)) return 0;
  const length = /\ncontent-length: *(\d+)/.exec(head)?.[1];
  if (length === undefined) throw new Error(`an answer without a length: ${head}`);
  return Number(length);
}

class Burst {
  readonly #spec: BurstSpec;
  readonly #connections: Connection[];
  readonly #idle: Connection[] = [];
  readonly #latencies = new Float32Array(LATENCIES);
  readonly #lates = new Float32Array(LATENCIES);
  readonly #wrong = { count: 0, samples: [] as string[] };
  readonly #startMs: number;
  #sent = 0;
  #answered = 0;
  #measuredAnswers = 0;
  #measuredBytes = 0;
  #begin: Mark | null = null;
  #end: Mark | null = null;
  #finish: (result: BurstResult) => void = () => undefined;
  #fail: (error: Error) => void = () => undefined;

  constructor(spec: BurstSpec) {
    this.#spec = spec;
    this.#startMs = performance.now();
    this.#connections = Array.from(
      { length: spec.connections },
      () =>
        new Connection(spec.port, {
          onAnswer: (connection, head) => this.#onAnswer(connection, head),
          onError: (error) => this.#fail(error),
        }),
    );
  }

  async run(): Promise<BurstResult> {
    const result = new Promise<BurstResult>((resolve, reject) => {
      this.#finish = resolve;
      this.#fail = reject;
    });
    await Promise.race([Promise.all(this.#connections.map((connection) => connection.ready())), result]);
    const deadline = setTimeout(
      () => this.#fail(new Error('answers did not come')),
      this.#spec.preloadMs + this.#spec.measuredMs + ANSWER_DEADLINE_MS,
    );
    try {
      if (this.#spec.rate === null) for (const connection of this.#connections) this.#next(connection);
      else this.#schedule(this.#spec.rate);
      return await result;
    } finally {
      clearTimeout(deadline);
      for (const connection of this.#connections) connection.close();
    }
  }

  /** Sends the requests that are due, and schedules the next check. */
  #schedule(rate: number): void {
    this.#idle.push(...this.#connections);
    const startMs = performance.now();
    const total = Math.floor(((this.#spec.preloadMs + this.#spec.measuredMs) / 1000) * rate);
    let due = 0;
    const look = () => {
      const now = performance.now();
      for (; due < total; due++) {
        const atMs = startMs + (due * 1000) / rate;
        if (atMs > now) break;
        const connection = this.#idle.pop();
        if (connection === undefined) break; // the request stays due, and its latency grows
        this.#send(connection, atMs);
      }
      this.#tick(now);
      if (due >= total) {
        if (this.#end === null) setTimeout(look, 1);
        else if (this.#sent === this.#answered) this.#done();
        return;
      }
      const waitMs = startMs + (due * 1000) / rate - now;
      if (waitMs > TIMER_SLACK_MS) setTimeout(look, waitMs - TIMER_SLACK_MS);
      else setImmediate(look);
    };
    look();
  }

  #next(connection: Connection): void {
    if (this.#end === null && this.#sent < this.#spec.maxRequests) this.#send(connection, performance.now());
    else if (this.#sent === this.#answered) this.#done();
  }

  #send(connection: Connection, dueMs: number): void {
    const number = this.#sent++;
    const { templates } = this.#spec;
    const template = templates[number % templates.length] as Template; // never empty
    if (this.#begin !== null && this.#spec.rate !== null)
      this.#lates[number % LATENCIES] = performance.now() - dueMs;
    connection.send(this.#request(template, number), dueMs);
  }

  #request({ parts, gaps }: Template, number: number): string {
    let request = parts[0] ?? '';
    for (const [i, gap] of gaps.entries()) {
      request += 'idOf' in gap ? this.#id(number - gap.idOf) : this.#address(number, gap.visitor);
      request += parts[i + 1] ?? '';
    }
    return request;
  }

  #id(number: number): string {
    const { idPrefix } = this.#spec;
    return idPrefix + number.toString(36).padStart(ID_CHARS - idPrefix.length, '0');
  }

  /** Returns a visitor's address. Its first three numbers identify the visitor. */
  #address(number: number, visitor: number): string {
    const { sentBefore = 0, templates } = this.#spec;
    const turn = Math.ceil(sentBefore / templates.length) + Math.floor(number / templates.length);
    const who = turn * templates.length + visitor;
    return `${20 + ((who >> 16) & 127)}.${(who >> 8) & 255}.${who & 255}.7`;
  }

  #onAnswer(connection: Connection, head: string): void {
    const now = performance.now();
    this.#answered++;
    const { expectedStatus, expectedHead } = this.#spec;
    if (!head.startsWith(String(expectedStatus), 9) || !head.includes(expectedHead)) {
      this.#wrong.count++;
      if (this.#wrong.samples.length < WRONG_SAMPLES) this.#wrong.samples.push(head);
    }
    if (this.#begin !== null && this.#end === null) {
      this.#latencies[this.#measuredAnswers % LATENCIES] = now - connection.startedMs;
      this.#measuredAnswers++;
      this.#measuredBytes += connection.bytes;
    }
    this.#tick(now);
    if (this.#spec.rate === null) this.#next(connection);
    else {
      this.#idle.push(connection);
      if (this.#end !== null && this.#sent === this.#answered) this.#done();
    }
  }

  /** Marks the start and the end of the measured time. */
  #tick(now: number): void {
    const { preloadMs, measuredMs, maxRequests } = this.#spec;
    if (this.#begin === null) {
      if (now >= this.#startMs + preloadMs || this.#answered >= maxRequests / 2) this.#begin = this.#mark();
    } else if (this.#end === null) {
      if (now >= this.#begin.atMs + measuredMs || this.#answered >= maxRequests) this.#end = this.#mark();
    }
  }

  #mark(): Mark {
    return {
      atMs: performance.now(),
      cpu: cpuTimes(this.#spec.pid),
      generatorMs: generatorMs(),
      answered: this.#answered,
    };
  }

  #done(): void {
    const begin = this.#begin;
    const end = this.#end ?? this.#mark();
    if (begin === null) {
      this.#fail(new Error('the burst was over before it was measured'));
      return;
    }
    const latencies = this.#latencies.subarray(0, Math.min(LATENCIES, this.#measuredAnswers)).sort();
    const lates = this.#lates.subarray(begin.answered, Math.min(LATENCIES, this.#sent)).sort();
    const difference = (of: keyof CpuTimes) => end.cpu[of] - begin.cpu[of];
    this.#finish({
      requests: end.answered - begin.answered,
      answered: this.#answered,
      seconds: (end.atMs - begin.atMs) / 1000,
      cpu: {
        process: difference('process'),
        main: difference('main'),
        workers: difference('workers'),
        alive: difference('alive'),
        machine: difference('machine'),
      },
      generatorMs: end.generatorMs - begin.generatorMs,
      wrong: this.#wrong,
      latency: summary(latencies),
      late: summary(lates),
      bytesPerAnswer: this.#measuredBytes / Math.max(1, this.#measuredAnswers),
    });
  }
}

function summary(sorted: Float32Array): { p50: number; p99: number; max: number } {
  if (sorted.length === 0) return { p50: 0, p99: 0, max: 0 };
  return { p50: percentile(sorted, 0.5), p99: percentile(sorted, 0.99), max: percentile(sorted, 1) };
}

process.on('message', (spec: BurstSpec) => {
  new Burst(spec).run().then(
    (result) => process.send?.({ result }),
    (error: unknown) => process.send?.({ error: error instanceof Error ? error.message : String(error) }),
  );
});
process.on('disconnect', () => process.exit(0));
