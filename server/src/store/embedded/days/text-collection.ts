import { IdSet } from '../tables/id-set.ts';
import type { WriterClient } from '../writer/client.ts';
import type { DaysClient } from './client.ts';
import { TEXT_TABLES, type TextCursor } from './text-use.ts';

/** Rows, or ids of strings, that are read at a time. Reports wait for one such step at most. */
const READ_PER_STEP = 20_000;
/** Strings deleted per commit, so that ingestion continues in between. */
const DELETED_PER_COMMIT = 1_000;

/**
 * Deletes the strings that no row refers to any more, and overwrites them in the file. First the reader collects the ids that
 * are in use, in small steps, while the writer records those that it uses meanwhile. Then all others are deleted. The newest
 * string stays, so that no id is assigned twice; it is an empty placeholder. If it is interrupted, it has deleted only strings
 * that nothing refers to, and the next run starts over.
 *
 * @returns the number of strings deleted
 */
export async function collectTexts(
  { reader, writer }: { reader: DaysClient; writer: WriterClient },
  signal: AbortSignal,
): Promise<number> {
  const below = await writer.do({ type: 'watch-texts' });
  let deleted = 0;
  try {
    const used = new IdSet(below);
    for (const table of TEXT_TABLES) {
      let after: TextCursor | null = null;
      do {
        if (signal.aborted) return deleted;
        const step: { ids: Float64Array; next: TextCursor | null } = await reader.do({
          type: 'texts-used',
          ...{ table, after, limit: READ_PER_STEP },
        });
        for (const id of step.ids) used.add(id);
        after = step.next;
      } while (after !== null);
    }
    for (let after: number | undefined = 0; after !== undefined; ) {
      const stored: Float64Array = await reader.do({
        type: 'text-ids',
        ...{ after, below, limit: READ_PER_STEP },
      });
      const unused = stored.filter((id) => !used.has(id));
      for (let i = 0; i < unused.length; i += DELETED_PER_COMMIT) {
        if (signal.aborted) return deleted;
        const ids = unused.subarray(i, i + DELETED_PER_COMMIT);
        deleted += await writer.do({ type: 'forget-texts', ids: Array.from(ids) });
      }
      after = stored.at(-1);
    }
    return deleted;
  } finally {
    await writer.do({ type: 'unwatch-texts' });
  }
}
