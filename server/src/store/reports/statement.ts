import type { AskedRelation } from './relations.ts';

export type Value = string | number;

/** A site's UTC day. */
export interface SiteDay {
  siteId: string;
  day: number;
}

/** A question in SQL over the relations. */
export interface Statement {
  /** The sites that it is about. In relations of several, `ownNumbers` makes numbers of visits and visitors differ. */
  siteIds: readonly string[];
  /** For each relation that the statement reads, the sites' days that it needs: the relation has no others. */
  from: Readonly<Partial<Record<AskedRelation, readonly SiteDay[]>>>;
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
