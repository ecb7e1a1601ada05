import type { Clock } from '../domain/clock.ts';
import type { Registry } from '../store/contract/store.ts';

/** How many days a dry run looks back. */
export const DRY_RUN_DAYS = 7;

/** The dependencies of use cases. */
export interface Context {
  registry: Registry;
  clock: Clock;
}
