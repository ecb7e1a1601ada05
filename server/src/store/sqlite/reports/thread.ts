import { parentPort, workerData } from 'node:worker_threads';
import type { BreakdownRow, Dimension, Happening, Measures, Reports, Scope } from '../../store.ts';
import { type Database, openForReading } from '../driver.ts';
import type { FacetRow } from '../facets.ts';
import { breakdown } from './breakdown.ts';
import { happenings, realtime } from './happenings.ts';
import { series, totals } from './numbers.ts';
import type { Reading } from './reading.ts';
import { readingOf } from './reading.ts';
import { countFacets, type SealableDay, sealableDays } from './seal-count.ts';
import { type TextCursor, type TextTable, textIds, textsUsed } from './text-use.ts';

/**
 * The reader's thread: long questions are worked on here, over a connection that cannot write, so that they delay neither
 * the thread that speaks HTTP nor the one that commits. One question at a time, each seeing one state of the store.
 */
export type Question =
  | { type: 'totals'; scope: Scope }
  | { type: 'series'; scope: Pick<Scope, 'siteId' | 'filters'>; boundariesMs: readonly number[] }
  | { type: 'breakdown'; scope: Scope; by: Dimension; options: { limit: number; cursor?: string } }
  | { type: 'happenings'; scope: Omit<Scope, 'filters'>; options: Parameters<Reports['happenings']>[1] }
  | { type: 'realtime'; siteId: string; sinceMs: number }
  | { type: 'sealable'; beforeDay: number; siteId: string | null }
  | { type: 'facets'; day: SealableDay }
  | { type: 'texts-used'; table: TextTable; after: TextCursor | null; limit: number }
  | { type: 'text-ids'; after: number; below: number; limit: number };

/** What each question is answered with. */
export interface Answers {
  totals: Measures;
  series: Measures[];
  breakdown: { rows: BreakdownRow[]; nextCursor: string | null };
  happenings: { happenings: Happening[]; nextCursor: string | null };
  realtime: { visitors: number; pages: { path: string; visitors: number }[] };
  sealable: SealableDay[];
  facets: { rows: FacetRow[]; changes: number };
  'texts-used': { ids: Float64Array; next: TextCursor | null };
  'text-ids': Float64Array;
}

export type FromReader =
  | { number: number; answer: Answers[keyof Answers] }
  | { number: number; failed: string };

const CACHE_KIB = 64 * 1024;

function answer(reading: Reading, question: Question): Answers[keyof Answers] {
  switch (question.type) {
    case 'totals':
      return totals(reading, question.scope);
    case 'series':
      return series(reading, question.scope, question.boundariesMs);
    case 'breakdown':
      return breakdown(reading, question.scope, question.by, question.options);
    case 'happenings':
      return happenings(reading, question.scope, question.options);
    case 'realtime':
      return realtime(reading, question.siteId, question.sinceMs);
    case 'sealable':
      return sealableDays(reading, question);
    case 'facets':
      return countFacets(reading, question.day);
    case 'texts-used':
      return textsUsed(reading.db, question);
    case 'text-ids':
      return textIds(reading.db, question);
  }
}

/** All reads of a question see the same commits. */
function inOneState<T>(db: Database, work: () => T): T {
  db.exec('BEGIN');
  try {
    return work();
  } finally {
    db.exec('COMMIT');
  }
}

function serve(port: NonNullable<typeof parentPort>, file: string): void {
  let reading: Reading | null = null;
  port.on('message', (message: { number: number; question: Question } | { close: true }) => {
    if ('close' in message) {
      reading?.db.close();
      port.close();
      return;
    }
    const { number, question } = message;
    let reply: FromReader;
    try {
      reading ??= readingOf(openForReading(file, { cacheKib: CACHE_KIB }));
      const opened = reading;
      reply = { number, answer: inOneState(opened.db, () => answer(opened, question)) };
    } catch (error) {
      reply = { number, failed: error instanceof Error ? error.message : String(error) };
    }
    port.postMessage(reply);
  });
}

if (parentPort !== null) serve(parentPort, (workerData as { file: string }).file);
