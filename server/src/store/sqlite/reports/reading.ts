import type { Database } from '../driver.ts';
import { FacetSums } from './facet-sums.ts';
import { Texts } from './texts.ts';
import { VisitDays } from './visit-days.ts';

/** What a reader works with. */
export interface Reading {
  db: Database;
  texts: Texts;
  visitDays: VisitDays;
  facetSums: FacetSums;
}

export function readingOf(db: Database): Reading {
  return { db, texts: new Texts(db), visitDays: new VisitDays(db), facetSums: new FacetSums(db) };
}
