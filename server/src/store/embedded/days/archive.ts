import { join } from 'node:path';
import type { Database } from '../../drivers/sqlite.ts';
import type { FileRelation } from '../tables/file-columns.ts';
import { archivedBefore, firstOpenDay, type Segment, segmentsOf } from '../tables/segments.ts';
import { complaintAbout, filePath } from './segment-files.ts';

/**
 * Returns the day before which all days can be archived, which means that their rows leave the events file. That is up to
 * the first day that is not whole in segments, or whose files are not what was written.
 */
export async function archivableBefore(db: Database, folder: string, beforeDay: number): Promise<number> {
  const first = archivedBefore(db);
  const end = firstOpenDay(db, { first, beforeDay }) ?? Math.max(first, beforeDay);
  for (const segment of segmentsOf(db, { first, beforeDay: end }))
    if (!(await isAsWritten(folder, segment))) return segment.day;
  return end;
}

async function isAsWritten(folder: string, segment: Segment): Promise<boolean> {
  for (const [relation, written] of Object.entries(segment.files)) {
    const file = join(folder, filePath(segment, relation as FileRelation));
    if ((await complaintAbout(file, written)) !== null) return false;
  }
  return true;
}
