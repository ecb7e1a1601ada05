import type { Database } from '../../drivers/sqlite.ts';
import { DimensionSums } from './dimension-sums.ts';
import { Texts } from './texts.ts';
import { VisitDays } from './visit-days.ts';

/** What a reader works with. */
export interface Reading {
  db: Database;
  texts: Texts;
  visitDays: VisitDays;
  facetSums: DimensionSums;
}

export function readingOf(db: Database): Reading {
  return { db, texts: new Texts(db), visitDays: new VisitDays(db), facetSums: new DimensionSums(db) };
}
