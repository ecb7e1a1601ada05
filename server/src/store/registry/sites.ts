import { sql, type UpdateObject } from 'kysely';
import { parseExclusions } from '../../domain/exclusions.ts';
import { type Registry, RegistryConflict, type Site } from '../contract/store.ts';
import type { Engine, RegistryDb } from './engine.ts';
import { insertSiteKey, markKeysOf, whileKeysChange } from './key-versions.ts';
import type { Row, Tables } from './tables.ts';

/** Maximum sites returned by one call. */
const SITES_PER_ANSWER = 1_000;

/** The columns of a site. */
const SITE = [
  ...(['id', 'account_id', 'domain', 'key', 'allow_subdomains', 'extra_hosts'] as const),
  ...(['retention_days', 'time_zone', 'exclusions', 'created_at', 'merge_trailing_slashes'] as const),
] as const;

type Methods = Pick<
  Registry,
  | 'createSite'
  | 'sitesOf'
  | 'siteById'
  | 'sitesAfter'
  | 'removeSite'
  | 'removedSites'
  | 'setHostRules'
  | 'setExclusions'
  | 'setMergeTrailingSlashes'
  | 'setRetention'
  | 'setSiteTimeZone'
>;

/** The registry's methods for sites and their settings. */
export function sites(engine: Engine): Methods {
  const { db } = engine;
  return {
    createSite: (site, limit) => addSite(engine, site, limit),

    async sitesOf(accountId) {
      const rows = await db
        .selectFrom('sites')
        .select(SITE)
        .where('account_id', '=', accountId)
        .orderBy('created_at')
        .orderBy('seq')
        .execute();
      return rows.map(toSite);
    },

    async siteById(id) {
      const row = await db.selectFrom('sites').select(SITE).where('id', '=', id).executeTakeFirst();
      return row === undefined ? null : toSite(row);
    },

    async sitesAfter(siteId, { ownRetention } = { ownRetention: false }) {
      const seqOf = db
        .selectFrom('sites')
        .select('seq')
        .where('id', '=', siteId ?? '');
      const rows = await db
        .selectFrom('sites')
        .select(SITE)
        .where('seq', '>', ({ fn, lit }) => fn.coalesce(seqOf, lit(0)))
        .$if(ownRetention, (asked) => asked.where('retention_days', 'is not', null))
        .orderBy('seq')
        .limit(SITES_PER_ANSWER)
        .execute();
      return rows.map(toSite);
    },

    removeSite: (siteId) =>
      whileKeysChange(engine, async (tx) => {
        await markKeysOf(tx, siteId, 'gone');
        const { numDeletedRows } = await tx.deleteFrom('sites').where('id', '=', siteId).executeTakeFirst();
        return numDeletedRows === 1n;
      }),

    async removedSites(afterId) {
      const rows = await db
        .selectFrom('site_keys')
        .select('site_id')
        .distinct()
        .where(sql<boolean>`state = 'gone'`) // a literal, to match the condition of the index
        .where('site_id', '>', afterId)
        .orderBy('site_id')
        .limit(SITES_PER_ANSWER)
        .execute();
      return rows.map((row) => row.site_id);
    },

    setHostRules: (siteId, { allowSubdomains, extraHosts }) =>
      setRule(engine, siteId, {
        allow_subdomains: allowSubdomains,
        extra_hosts: JSON.stringify(extraHosts),
      }),

    setExclusions: (siteId, exclusions) =>
      setRule(engine, siteId, { exclusions: exclusions === null ? null : JSON.stringify(exclusions) }),

    setMergeTrailingSlashes: (siteId, merge) => setRule(engine, siteId, { merge_trailing_slashes: merge }),

    setRetention: (siteId, days) => set(db, siteId, { retention_days: days }),
    setSiteTimeZone: (siteId, timeZone) => set(db, siteId, { time_zone: timeZone }),
  };
}

const addSite = (engine: Engine, ...[site, limit]: Parameters<Methods['createSite']>): Promise<Site> =>
  whileKeysChange(engine, async (tx) => {
    const { has } = await tx
      .selectFrom('sites')
      .select(({ fn }) => fn.countAll<number>().as('has'))
      .where('account_id', '=', site.accountId)
      .executeTakeFirstOrThrow();
    if (limit !== null && has >= limit) throw new RegistryConflict('site-limit');
    const row = await tx
      .insertInto('sites')
      .values({
        id: site.id,
        account_id: site.accountId,
        domain: site.domain,
        key: site.key,
        created_at: site.createdAtMs,
      })
      .onConflict((conflict) => conflict.columns(['account_id', 'domain']).doNothing())
      .returning(SITE)
      .executeTakeFirst();
    if (row === undefined) throw new RegistryConflict('domain-taken');
    await insertSiteKey(tx, { key: site.key, siteId: site.id, createdAtMs: site.createdAtMs });
    return toSite(row);
  });

type Change = UpdateObject<Tables, 'sites'>;

async function set(db: RegistryDb, siteId: string, change: Change): Promise<Site | null> {
  const changed = db.updateTable('sites').set(change).where('id', '=', siteId).returning(SITE);
  const row = await changed.executeTakeFirst();
  return row === undefined ? null : toSite(row);
}

/** Changes a setting that collectors know, and gives the site's keys a new version. */
function setRule(engine: Engine, siteId: string, rule: Change): Promise<Site | null> {
  return whileKeysChange(engine, async (tx) => {
    const site = await set(tx, siteId, rule);
    if (site !== null) await markKeysOf(tx, siteId, null);
    return site;
  });
}

function toSite(row: Row<'sites', typeof SITE>): Site {
  return {
    id: row.id,
    accountId: row.account_id,
    domain: row.domain,
    key: row.key,
    allowSubdomains: Boolean(row.allow_subdomains),
    extraHosts: JSON.parse(row.extra_hosts) as string[],
    retentionDays: row.retention_days,
    timeZone: row.time_zone,
    exclusions: row.exclusions === null ? null : parseExclusions(row.exclusions),
    mergeTrailingSlashes: Boolean(row.merge_trailing_slashes),
    createdAtMs: row.created_at,
  };
}
