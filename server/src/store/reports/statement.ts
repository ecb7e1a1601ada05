import type { AskedRelation } from './relations.ts';

export type Value = string | number;

/** A question in SQL over the relations. */
export interface Statement {
  siteId: string;
  /** For each relation that the statement reads, the site's days that it needs: the relation has no others. */
  from: Readonly<Partial<Record<AskedRelation, readonly number[]>>>;
  /** Values stand in the text as `$1`, `$2` and so on. */
  sql: string;
  values: readonly Value[];
}

/** Gathers the values of a statement while its text is written. */
export class Values {
  readonly all: Value[] = [];

  /** Returns what stands for a value in the text. */
  bind(value: Value): string {
    this.all.push(value);
    return `$${this.all.length}`;
  }
}
