import { IdSet } from '../tables/id-set.ts';
import type { WriterClient } from '../writer/client.ts';
import type { ReportsClient } from './client.ts';
import { TEXT_TABLES, type TextCursor } from './text-use.ts';

/** Rows read, and numbers of texts looked at, per question to the reader: reports wait for one such step at most. */
const READ_PER_STEP = 20_000;
/** Texts deleted per commit, so that ingestion between them goes on. */
const DELETED_PER_COMMIT = 1_000;

/**
 * Deletes the texts that no row refers to any more, and overwrites them in the file. First everything that is in use is
 * marked, by the reader and in small steps, while the writer notes which texts it uses anew; then the rest goes. The newest
 * text stays until there is a newer one, so that no number is ever given twice. Interrupted anywhere, it has deleted only
 * what nothing refers to, and begins anew the next time. Nobody else may write numbers of texts that the writer's dictionary
 * did not hand out meanwhile.
 *
 * @returns the texts deleted
 */
export async function collectTexts(
  { reader, writer }: { reader: ReportsClient; writer: WriterClient },
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
