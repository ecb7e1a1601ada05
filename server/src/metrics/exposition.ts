import { Counter, collectDefaultMetrics, Gauge, type Histogram, Registry } from 'prom-client';
import type { Distribution, Tally } from '../tally.ts';

/** Numbers kept elsewhere, read whenever somebody asks for them, in a registry of its own: nothing is global. */
export class Exposition {
  readonly #registry = new Registry();

  /** With Node's own numbers and the process's: CPU, memory, file descriptors, garbage collection, event-loop delay. */
  constructor() {
    collectDefaultMetrics({ register: this.#registry });
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** Everything in Prometheus' text format. */
  text(): Promise<string> {
    return this.#registry.metrics();
  }

  gauge(name: string, help: string, read: () => number | Promise<number>): void {
    new Gauge({
      ...{ name, help, registers: [this.#registry] },
      async collect() {
        this.set(await read());
      },
    });
  }

  counter(name: string, help: string, read: () => number): void {
    new Counter({
      ...{ name, help, registers: [this.#registry] },
      collect() {
        this.reset();
        this.inc(read());
      },
    });
  }

  /** A counter with a series for each name of a tally. */
  counters<Label extends string>(
    name: string,
    help: string,
    {
      labels,
      of,
      tally,
    }: { labels: readonly Label[]; of: (name: string) => Partial<Record<Label, string>>; tally: Tally },
  ): void {
    new Counter({
      ...{ name, help, labelNames: labels, registers: [this.#registry] },
      collect() {
        this.reset();
        for (const [counted, count] of tally.entries()) this.inc(of(counted), count);
      },
    });
  }

  /** A histogram of what a distribution has seen. */
  histogram(name: string, help: string, seen: Distribution): void {
    const get = async () => {
      const cumulative = seen.cumulative();
      const values = cumulative.map((value, i) => ({
        metricName: `${name}_bucket`,
        labels: { le: seen.bounds[i] ?? '+Inf' },
        value,
      }));
      const count = cumulative.at(-1) ?? 0;
      return {
        ...{ name, help, type: 'histogram' },
        values: [
          ...values,
          { metricName: `${name}_sum`, labels: {}, value: seen.sum },
          { metricName: `${name}_count`, labels: {}, value: count },
        ],
      };
    };
    // The registry asks a metric for its name and for `get`; a histogram of the library would have to see every value itself.
    this.#registry.registerMetric({ name, get } as unknown as Histogram);
  }
}
