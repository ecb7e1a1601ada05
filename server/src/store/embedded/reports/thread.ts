import type { Dimension } from '../../../domain/dimensions.ts';
import type { Measures } from '../../../domain/measures.ts';
import type { ActivityItem, Audit, BreakdownRow, Reports, Scope } from '../../contract/store.ts';
import { inOneState, openForReading } from '../../drivers/sqlite.ts';
import { serveTasks } from '../../shared/threads/task-thread.ts';
import type { DimensionRollup } from '../tables/dimension-rollups.ts';
import { listActivity, realtime } from './activity.ts';
import { audit } from './audit.ts';
import { breakdown } from './breakdown.ts';
import { series, totals } from './numbers.ts';
import type { Reading } from './reading.ts';
import { readingOf } from './reading.ts';
import { countDimensionRollups, type SealableDay, sealableDays } from './seal-count.ts';
import { type TextCursor, type TextTable, textIds, textsUsed } from './text-use.ts';

/**
 * The thread for questions that may take seconds, over a connection that cannot write, so that they delay neither the HTTP
 * thread nor commits nor short questions. One question at a time, each seeing one state of the store.
 */
export type Question =
  | { type: 'totals'; scope: Scope }
  | { type: 'series'; scope: Pick<Scope, 'siteId' | 'filters'>; boundariesMs: readonly number[] }
  | { type: 'breakdown'; scope: Scope; by: Dimension; options: { limit: number; cursor?: string } }
  | { type: 'activity'; scope: Omit<Scope, 'filters'>; options: Parameters<Reports['listActivity']>[1] }
  | { type: 'realtime'; siteId: string; sinceMs: number }
  | { type: 'sealable'; beforeDay: number; siteId: string | null }
  | { type: 'facets'; day: SealableDay }
  | { type: 'texts-used'; table: TextTable; after: TextCursor | null; limit: number }
  | { type: 'text-ids'; after: number; below: number; limit: number }
  | { type: 'audit' };

/** What each question is answered with. */
export interface Answers {
  totals: Measures;
  series: Measures[];
  breakdown: { rows: BreakdownRow[]; nextCursor: string | null };
  activity: { items: ActivityItem[]; nextCursor: string | null };
  realtime: { visitors: number; pages: { path: string; visitors: number }[] };
  sealable: SealableDay[];
  facets: { rows: DimensionRollup[]; changes: number };
  'texts-used': { ids: Float64Array; next: TextCursor | null };
  'text-ids': Float64Array;
  audit: Audit;
}

const CACHE_KIB = 64 * 1024;

function answer(reading: Reading, question: Question): Answers[keyof Answers] {
  switch (question.type) {
    case 'totals':
      return totals(reading, question.scope);
    case 'series':
      return series(reading, question.scope, question.boundariesMs);
    case 'breakdown':
      return breakdown(reading, question.scope, question.by, question.options);
    case 'activity':
      return listActivity(reading, question.scope, question.options);
    case 'realtime':
      return realtime(reading, question.siteId, question.sinceMs);
    case 'sealable':
      return sealableDays(reading, question);
    case 'facets':
      return countDimensionRollups(reading, question.day);
    case 'texts-used':
      return textsUsed(reading.db, question);
    case 'text-ids':
      return textIds(reading.db, question);
    case 'audit':
      return audit(reading.db);
  }
}

serveTasks((file) => {
  const db = openForReading(file, { cacheKib: CACHE_KIB });
  const reading = readingOf(db);
  return {
    perform: (question: Question) => inOneState(db, () => answer(reading, question)),
    close: () => db.close(),
  };
});
