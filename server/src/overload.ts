import { monitorEventLoopDelay } from 'node:perf_hooks';
import { SECOND_MS } from './clock.ts';
import type { Events } from './store/store.ts';

/** Above this share of the events' queue, questions are turned away so that beacons get the machine. */
const QUEUE_FILL_LIMIT = 0.5;
/** Above this mean delay of the event loop over a second, likewise, in milliseconds. */
const LOOP_DELAY_LIMIT_MS = 1000;
const NANOSECONDS_PER_MS = 1e6;

/** Says whether the machine has more than enough to do with beacons. Cheap: may be asked for every request. */
export function overloadGauge(events: Pick<Events, 'fill'>): () => boolean {
  const delays = monitorEventLoopDelay({ resolution: 20 });
  delays.enable();
  let meanDelayMs = 0;
  setInterval(() => {
    meanDelayMs = delays.count === 0 ? 0 : delays.mean / NANOSECONDS_PER_MS;
    delays.reset();
  }, SECOND_MS).unref();
  return () => events.fill() > QUEUE_FILL_LIMIT || meanDelayMs > LOOP_DELAY_LIMIT_MS;
}
