import type { DayRange } from '../../domain/clock.ts';
import type { KeyUse, LedgerLine } from '../contract/store.ts';
import { serveTasks } from '../shared/threads/task-thread.ts';
import { EventReader } from './reader.ts';

/**
 * A task for the reader's thread, which runs queries of a few milliseconds. Reports may take seconds and run on a separate
 * thread. Neither delays beacons on the HTTP thread.
 */
export type ReaderTask =
  | { type: 'countBySite'; siteIds: readonly string[]; range: DayRange }
  | { type: 'ledger'; siteId: string; range: DayRange }
  | { type: 'keyUse'; siteId: string }
  | { type: 'holding'; siteIds: readonly string[] };

/** The type of the answer to each task. */
export interface ReaderAnswers {
  countBySite: Map<string, number>;
  ledger: LedgerLine[];
  keyUse: KeyUse[];
  holding: string[];
}

function perform(reader: EventReader, task: ReaderTask): ReaderAnswers[keyof ReaderAnswers] {
  switch (task.type) {
    case 'countBySite':
      return reader.countBySite(task.siteIds, task.range);
    case 'ledger':
      return reader.ledger(task.siteId, task.range);
    case 'keyUse':
      return reader.keyUse(task.siteId);
    case 'holding':
      return reader.holding(task.siteIds);
  }
}

serveTasks((file) => {
  const reader = new EventReader(file);
  return { perform: (task: ReaderTask) => perform(reader, task), close: () => reader.close() };
});
