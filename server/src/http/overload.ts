import { monitorEventLoopDelay } from 'node:perf_hooks';
import { SECOND_MS } from '../domain/clock.ts';

/** The fill level of the write queue above which API requests are refused, to keep capacity for beacons. */
const QUEUE_FILL_LIMIT = 0.5;
/** The mean event-loop delay over a second, in milliseconds, above which API requests are refused. */
const LOOP_DELAY_LIMIT_MS = 1000;
const NANOSECONDS_PER_MS = 1e6;

/** Creates a function that returns whether the server is overloaded. The function is cheap enough to call for every request. */
export function overloadGauge(events: { fill(): number }): () => boolean {
  const delays = monitorEventLoopDelay({ resolution: 20 });
  delays.enable();
  let meanDelayMs = 0;
  setInterval(() => {
    meanDelayMs = delays.count === 0 ? 0 : delays.mean / NANOSECONDS_PER_MS;
    delays.reset();
  }, SECOND_MS).unref();
  return () => events.fill() > QUEUE_FILL_LIMIT || meanDelayMs > LOOP_DELAY_LIMIT_MS;
}
