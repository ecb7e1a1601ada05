import { join } from 'node:path';
import { parquet } from '../../drivers/duckdb-text.ts';
import { FILE_COLUMNS, type FileRelation, hasColumn } from '../tables/file-columns.ts';
import type { Segment } from '../tables/segments.ts';
import { SQL_TYPES } from './day-tables.ts';
import { filePath } from './segment-files.ts';

/**
 * Returns the queries that together give the rows of a relation in the files of segments, all with the same columns: those that
 * a file of an earlier format lacks are null. There is one query for each format, and none if no file has such rows.
 *
 * @param columns the names of the columns; absent: all
 */
export function rowsInFiles(
  folder: string,
  segments: readonly Segment[],
  relation: FileRelation,
  columns?: readonly string[],
): string[] {
  const wanted = FILE_COLUMNS[relation].filter(({ name }) => columns === undefined || columns.includes(name));
  const withFile = segments.filter(({ files }) => files[relation] !== undefined);
  const byFormat = Map.groupBy(withFile, ({ files }) => files[relation]?.format ?? 1);
  return [...byFormat].map(([format, same]) => {
    const selected = wanted.map(({ name, type }) =>
      hasColumn(relation, format, name) ? name : `NULL::${SQL_TYPES[type]} AS ${name}`,
    );
    const files = same.map((segment) => join(folder, filePath(segment, relation)));
    return `SELECT ${selected.join(', ')} FROM ${parquet(...files)}`;
  });
}
