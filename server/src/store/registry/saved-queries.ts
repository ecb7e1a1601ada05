import { sql } from 'kysely';
import type { Registry } from '../contract/store.ts';
import { UniqueViolation } from '../shared/unique-violation.ts';
import type { Engine } from './engine.ts';

type Methods = Pick<Registry, 'addSavedQuery' | 'savedQueriesOf' | 'changeSavedQuery' | 'removeSavedQuery'>;

/** The registry's methods for saved queries. */
export function savedQueries({ db }: Engine): Methods {
  return {
    async addSavedQuery({ id, siteId, kind, accountId, name, query, createdAtMs }) {
      const { numInsertedOrUpdatedRows } = await db
        .insertInto('saved_queries')
        .values({
          ...{ id, site_id: siteId, account_id: accountId, kind, name, query },
          created_at: createdAtMs,
        })
        .onConflict((conflict) => conflict.doNothing())
        .executeTakeFirst();
      return numInsertedOrUpdatedRows === 1n;
    },

    savedQueriesOf: (siteId, kind, accountId) =>
      db
        .selectFrom('saved_queries')
        .select(['id', 'site_id as siteId', 'kind', 'account_id as accountId', 'name', 'query'])
        .select('created_at as createdAtMs')
        .where('site_id', '=', siteId)
        .where('kind', '=', kind)
        .where(({ eb, or }) =>
          or([
            eb('account_id', 'is', null),
            ...(accountId === null ? [] : [eb('account_id', '=', accountId)]),
          ]),
        )
        .orderBy(({ eb }) => eb('account_id', 'is not', null))
        .orderBy(sql`lower(name)`)
        .execute(),

    async changeSavedQuery({ siteId, id, name, query }) {
      try {
        const changed = db.updateTable('saved_queries').set({ name, query });
        await changed.where('site_id', '=', siteId).where('id', '=', id).execute();
        return true;
      } catch (error) {
        if (error instanceof UniqueViolation) return false;
        throw error;
      }
    },

    async removeSavedQuery(siteId, id) {
      const removed = db.deleteFrom('saved_queries').where('site_id', '=', siteId).where('id', '=', id);
      return (await removed.executeTakeFirst()).numDeletedRows === 1n;
    },
  };
}
