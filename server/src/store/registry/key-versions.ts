import { sql } from 'kysely';
import type { SiteKeyRecord } from '../contract/store.ts';
import type { Engine, RegistryTx } from './engine.ts';

/** SQL for the newest version of any site key. */
export const LAST_VERSION = sql<number>`(SELECT coalesce(max(version), 0) FROM site_keys)`;

/**
 * Runs `work` in a transaction that may give site keys new versions. Versions become visible in order, so that no reader
 * misses one. The commit notifies collectors.
 */
export function whileKeysChange<T>(engine: Engine, work: (tx: RegistryTx) => Promise<T>): Promise<T> {
  return engine.db.transaction().execute(async (tx) => {
    await engine.lockSiteKeys(tx);
    const result = await work(tx);
    await engine.announceSiteKeys(tx);
    return result;
  });
}

/** Adds a live key to a site. Works only inside `whileKeysChange`. */
export async function insertSiteKey(
  tx: RegistryTx,
  { key, siteId, createdAtMs }: { key: string; siteId: string; createdAtMs: number },
): Promise<void> {
  await tx
    .insertInto('site_keys')
    .values({
      key,
      site_id: siteId,
      state: 'live',
      created_at: createdAtMs,
      version: sql`${LAST_VERSION} + 1`,
    })
    .execute();
}

/**
 * Marks every key of a site as changed, giving each a new version. Works only inside `whileKeysChange`.
 *
 * @param state the new state of the keys; null leaves it unchanged
 */
export async function markKeysOf(
  tx: RegistryTx,
  siteId: string,
  state: SiteKeyRecord['state'] | null,
): Promise<void> {
  await tx
    .updateTable('site_keys')
    .from((from) =>
      from
        .selectFrom('site_keys')
        .select(['key', sql<number>`row_number() OVER (ORDER BY version)`.as('nth')])
        .where('site_id', '=', siteId)
        .as('ordered'),
    )
    .set({ version: sql`${LAST_VERSION} + ordered.nth`, ...(state === null ? {} : { state }) })
    .whereRef('site_keys.key', '=', 'ordered.key')
    .execute();
}
