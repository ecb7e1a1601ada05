import type { Clock } from '../domain/clock.ts';
import type { Registry } from '../store/contract/store.ts';
import type { RecordEvent } from './security-log.ts';

/** How many days a dry run looks back. */
export const DRY_RUN_DAYS = 7;

/** The dependencies of use cases. */
export interface Context {
  registry: Registry;
  clock: Clock;
  /** Records what matters to the security of an account, on behalf of the user who asks. */
  record: RecordEvent;
}
