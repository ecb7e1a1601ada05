import type { Registry } from '../contract/store.ts';
import type { Engine } from './engine.ts';

/** The registry's methods for goals. */
export function goals({ db }: Engine): Pick<Registry, 'addGoal' | 'goalsOf' | 'removeGoal'> {
  return {
    async addGoal({ id, siteId, kind, pattern }) {
      const { numInsertedOrUpdatedRows } = await db
        .insertInto('goals')
        .values({ id, site_id: siteId, kind, pattern })
        .onConflict((conflict) => conflict.doNothing())
        .executeTakeFirst();
      return numInsertedOrUpdatedRows === 1n;
    },

    goalsOf: (siteId) =>
      db
        .selectFrom('goals')
        .select(['id', 'site_id as siteId', 'kind', 'pattern'])
        .where('site_id', '=', siteId)
        .orderBy('pattern')
        .execute(),

    async removeGoal(siteId, id) {
      const removed = db.deleteFrom('goals').where('site_id', '=', siteId).where('id', '=', id);
      return (await removed.executeTakeFirst()).numDeletedRows === 1n;
    },
  };
}
