import { queue } from './tag.ts';
import type { Call } from './types.ts';
import { look } from './view.ts';

/** Takes an event; it is sent as soon as there is a page view that it belongs to, which is at once on a page in sight. */
export const track = (...call: Call): void => {
  queue.push(call);
  look();
};
