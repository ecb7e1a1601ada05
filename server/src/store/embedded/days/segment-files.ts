import { createHash } from 'node:crypto';
import { createReadStream, type Dirent } from 'node:fs';
import { access, mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { writeDate } from '../../../domain/calendar.ts';
import { StoreUnavailable } from '../../contract/store.ts';
import { flush } from '../../shared/flush.ts';
import { FILE_FORMAT, type FileRelation } from '../tables/file-columns.ts';
import type { Segment, SegmentFile, SegmentFiles } from '../tables/segments.ts';

/** The files of segments. They are written to the side, flushed and renamed before the events file names the segment. */

const FOLDER = 'days';
const UNFINISHED = 'unfinished';
/** The folder for what DuckDB cannot hold in memory. */
export const SPILL = 'spill';
const TEMPORARY: readonly string[] = [UNFINISHED, SPILL];

/** Returns the folder of all segments of a data folder. */
export function daysFolder(dataDir: string): string {
  return join(dataDir, FOLDER);
}

/** Returns the path of a segment's folder within the folder of all segments. */
export function segmentPath({ no, day }: Pick<Segment, 'no' | 'day'>): string {
  return join(writeDate(day), String(no));
}

/** Returns the path of a segment's file within the folder of all segments. */
export function filePath(segment: Pick<Segment, 'no' | 'day'>, relation: FileRelation): string {
  return join(segmentPath(segment), `${relation}.parquet`);
}

/** Returns the paths of a segment's files within the folder of all segments. */
function filesOf(segment: Segment): string[] {
  return Object.keys(segment.files).map((relation) => filePath(segment, relation as FileRelation));
}

/**
 * Writes a segment's files with `write`, flushes them, and moves them to their place.
 *
 * @param write writes the file of each relation that has rows to a folder, and returns the number of rows by relation
 */
export async function writeSegment(
  folder: string,
  segment: Pick<Segment, 'no' | 'day'>,
  write: (folder: string) => Promise<Partial<Record<FileRelation, number>>>,
): Promise<SegmentFiles> {
  const place = join(folder, segmentPath(segment));
  const unfinished = join(folder, UNFINISHED);
  await deleteUnfinished(folder);
  // A run that was killed may have left a segment that was never named.
  await rm(place, { recursive: true, force: true });
  await mkdir(unfinished, { recursive: true, mode: OWNER_ONLY });
  const files: SegmentFiles = {};
  try {
    const rows = await write(unfinished);
    for (const relation of Object.keys(rows) as FileRelation[]) {
      const file = join(unfinished, `${relation}.parquet`);
      await flush(file);
      files[relation] = { rows: rows[relation] ?? 0, format: FILE_FORMAT, ...(await fileDigest(file)) };
    }
  } catch (error) {
    // On a full disk, it would take the room of events.
    await deleteUnfinished(folder);
    throw error;
  }
  await flush(unfinished);
  await mkdir(join(place, '..'), { recursive: true, mode: OWNER_ONLY });
  await rename(unfinished, place);
  await flush(join(place, '..'));
  await flush(folder);
  return files;
}

const OWNER_ONLY = 0o700;
const DAY = /^\d{4}-\d\d-\d\d$/;

/** Reads a file's size and digest. */
async function fileDigest(file: string): Promise<{ bytes: number; sha256: string }> {
  const digest = createHash('sha256');
  for await (const chunk of createReadStream(file)) digest.update(chunk as Buffer);
  return { bytes: (await stat(file)).size, sha256: digest.digest('hex') };
}

/** Says what is wrong with a segment's file; null if it is what was written. Reads all of it. */
export async function complaintAbout(file: string, written: SegmentFile): Promise<string | null> {
  try {
    const { sha256 } = await fileDigest(file);
    return sha256 === written.sha256 ? null : `${file} differs from what was written`;
  } catch (error) {
    return complaintOf(file, error);
  }
}

/** Says why a segment's file cannot be read. */
export function complaintOf(file: string, error: unknown): string {
  if ((error as NodeJS.ErrnoException).code === 'ENOENT') return `${file} is missing`;
  return `${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`;
}

/**
 * Runs work that reads files of segments.
 *
 * @throws StoreUnavailable which names the file if one of them is missing; otherwise what the work throws
 */
export async function readingSegments<T>(
  folder: string,
  segments: () => readonly Segment[],
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    for (const segment of segments())
      for (const relation of Object.keys(segment.files) as FileRelation[]) {
        const file = join(folder, filePath(segment, relation));
        const complaint = await access(file).then(
          () => null,
          (error: unknown) => complaintOf(file, error),
        );
        if (complaint !== null) throw new StoreUnavailable(`${complaint}. See: attractos doctor`, { cause });
      }
    throw cause;
  }
}

/** Returns the number of the segment whose folder has such a path; null if it is not a segment's. */
function segmentNumber(path: string): number | null {
  const [day = '', no = ''] = path.split(sep);
  return DAY.test(day) && /^\d+$/.test(no) ? Number(no) : null;
}

/** Lists the folders of segments on disk, as paths within the folder of all segments. Anything else is left out. */
export async function segmentFolders(folder: string): Promise<string[]> {
  const days = (await entriesIn(folder)).filter((each) => each.isDirectory() && DAY.test(each.name));
  const segments = await Promise.all(
    days.map(async ({ name: day }) =>
      (await entriesIn(join(folder, day))).map(({ name }) => join(day, name)),
    ),
  );
  return segments.flat().filter((path) => segmentNumber(path) !== null);
}

/**
 * Lists what is in the folder of all segments and does not belong to the given ones, as paths within it. What another program put
 * there is reported, and never touched.
 *
 * @param lastNumber of the segments that were named; one with a later number is just being written
 */
export async function otherPaths(
  folder: string,
  segments: readonly Segment[],
  lastNumber: number,
): Promise<string[]> {
  const folders = new Set(segments.map(segmentPath));
  const files = new Set(segments.flatMap(filesOf));
  const others: string[] = [];
  for (const day of await entriesIn(folder)) {
    if (TEMPORARY.includes(day.name)) continue;
    if (!day.isDirectory() || !DAY.test(day.name)) {
      others.push(day.name);
      continue;
    }
    for (const { name } of await entriesIn(join(folder, day.name))) {
      const path = join(day.name, name);
      if ((segmentNumber(path) ?? 0) > lastNumber) continue;
      if (!folders.has(path)) others.push(path);
      else
        others.push(
          ...(await entriesIn(join(folder, path)))
            .map((each) => join(path, each.name))
            .filter((file) => !files.has(file)),
        );
    }
  }
  return others;
}

async function entriesIn(folder: string): Promise<Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** Deletes what is left of a segment that was being written. */
export async function deleteUnfinished(folder: string): Promise<void> {
  await rm(join(folder, UNFINISHED), { recursive: true, force: true });
}

/** Deletes the folder of a segment, and the folder of its day if that is empty then. */
export async function deleteSegment(folder: string, path: string): Promise<void> {
  const place = join(folder, path);
  await rm(place, { recursive: true, force: true });
  const ofDay = join(place, '..');
  if ((await entriesIn(ofDay)).length === 0) await rm(ofDay, { recursive: true, force: true });
}
