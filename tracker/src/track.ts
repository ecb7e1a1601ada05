import { FULL } from './build.ts';
import { queue } from './tag.ts';
import type { EventOptions } from './types.ts';
import { look } from './view.ts';

/** Most events that wait for a view. An excluded page never has one. */
const MAX_WAITING = 20;

/**
 * Takes an event; it is sent as soon as there is a page view that it belongs to, which is at once on a page in sight. One
 * without a name would be a page view; with an empty one it is refused, and the owner can see it.
 */
export const track = (name = '', options?: EventOptions): void =>
  // A look may be told a number, for that has nothing a look asks for.
  look((!FULL || queue.length < MAX_WAITING ? queue.push({ name, ...options }) : 0) as never);
