import { sql } from 'kysely';
import { parseExclusions } from '../../domain/exclusions.ts';
import {
  type Registry,
  RegistryConflict,
  SITE_KEYS_MAX,
  type SiteKey,
  type SiteKeyRecord,
} from '../contract/store.ts';
import type { Engine, RegistryDb } from './engine.ts';
import { insertSiteKey, LAST_VERSION, whileKeysChange } from './key-versions.ts';
import type { Row } from './tables.ts';

/** Maximum site keys returned by one call. */
const KEYS_PER_ANSWER = 10_000;

const SITE_KEY = ['key', 'site_id', 'state', 'created_at'] as const;

type Methods = Pick<Registry, 'addSiteKey' | 'retireSiteKey' | 'siteKeysOf' | 'siteKeysSince'>;

/** The registry's methods for site keys. */
export function siteKeys(engine: Engine): Methods {
  const { db } = engine;
  return {
    addSiteKey: (siteId, key, atMs) =>
      whileKeysChange(engine, async (tx) => {
        const current = tx.updateTable('sites').set({ key }).where('id', '=', siteId);
        if ((await current.executeTakeFirst()).numUpdatedRows === 0n) return null;
        const { keys } = await tx
          .selectFrom('site_keys')
          .select(({ fn }) => fn.countAll<number>().as('keys'))
          .where('site_id', '=', siteId)
          .executeTakeFirstOrThrow();
        if (keys >= SITE_KEYS_MAX) throw new RegistryConflict('key-limit');
        await insertSiteKey(tx, { key, siteId, createdAtMs: atMs });
        return { key, siteId, state: 'live', createdAtMs: atMs };
      }),

    retireSiteKey: (key) =>
      whileKeysChange(engine, async (tx) => {
        const current = tx.selectFrom('sites').select('id').where('key', '=', key);
        if ((await current.executeTakeFirst()) !== undefined) throw new RegistryConflict('last-key');
        const row = await tx
          .updateTable('site_keys')
          .set({ state: 'retired', version: sql`${LAST_VERSION} + 1` })
          .where('key', '=', key)
          .where('state', '<>', 'gone')
          .returning(SITE_KEY)
          .executeTakeFirst();
        return row === undefined ? null : toSiteKey(row);
      }),

    async siteKeysOf(siteId) {
      const rows = await db
        .selectFrom('site_keys')
        .select(SITE_KEY)
        .where('site_id', '=', siteId)
        .where('state', '<>', 'gone')
        .orderBy('created_at', 'desc')
        .orderBy('version', 'desc')
        .execute();
      return rows.map(toSiteKey);
    },

    async siteKeysSince(version) {
      // Collectors call this every second, so that /readyz soon reports an unreachable registry.
      engine.checkFiles();
      const rows = await changedAfter(db, version);
      return {
        records: rows.map(toRecord),
        version: rows.at(-1)?.version ?? version,
        more: rows.length === KEYS_PER_ANSWER,
      };
    },
  };
}

/** Selects keys changed after a version, or all keys if the database was restored to an earlier state. */
function changedAfter(db: RegistryDb, version: number) {
  return db
    .selectFrom('site_keys as k')
    .leftJoin('sites as s', 's.id', 'k.site_id')
    .select(['k.version', 'k.key', 'k.state', 'k.site_id'])
    .select(['s.domain', 's.allow_subdomains', 's.extra_hosts', 's.exclusions'])
    .select('s.merge_trailing_slashes')
    .where('k.version', '>', ({ eb, lit, val }) =>
      eb
        .case()
        .when(LAST_VERSION, '<', version)
        .then(lit(0))
        .else(sql<number>`cast(${val(version)} as bigint)`)
        .end(),
    )
    .orderBy('k.version')
    .limit(KEYS_PER_ANSWER)
    .execute();
}

function toSiteKey(row: Row<'site_keys', typeof SITE_KEY>): SiteKey {
  return {
    key: row.key,
    siteId: row.site_id,
    state: row.state === 'retired' ? 'retired' : 'live', // the query leaves out keys of removed sites
    createdAtMs: row.created_at,
  };
}

/** The empty list that most sites share, since there may be a million sites. */
const NO_HOSTS: readonly string[] = Object.freeze([]);

function toRecord(row: Awaited<ReturnType<typeof changedAfter>>[number]): SiteKeyRecord {
  const { domain, extra_hosts: hosts, exclusions } = row;
  return {
    key: row.key,
    state: domain === null ? 'gone' : row.state,
    siteId: row.site_id,
    domain: domain ?? '',
    allowSubdomains: Boolean(row.allow_subdomains),
    extraHosts: hosts === null || hosts === '[]' ? NO_HOSTS : (JSON.parse(hosts) as string[]),
    exclusions: exclusions === null ? null : parseExclusions(exclusions),
    mergeTrailingSlashes: Boolean(row.merge_trailing_slashes),
  };
}
