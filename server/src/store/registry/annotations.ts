import type { Registry } from '../contract/store.ts';
import type { Engine } from './engine.ts';

/** The registry's methods for annotations. */
export function annotations({
  db,
}: Engine): Pick<Registry, 'addAnnotation' | 'annotationsOf' | 'countAnnotations' | 'removeAnnotation'> {
  return {
    async addAnnotation({ id, siteId, day, text, createdAtMs }) {
      await db
        .insertInto('annotations')
        .values({ id, site_id: siteId, day, text, created_at: createdAtMs })
        .execute();
    },

    annotationsOf: (siteId, { firstDay, lastDay }) =>
      db
        .selectFrom('annotations')
        .select(['id', 'site_id as siteId', 'day', 'text', 'created_at as createdAtMs'])
        .where('site_id', '=', siteId)
        .where('day', '>=', firstDay)
        .where('day', '<=', lastDay)
        .orderBy('day')
        .orderBy('created_at')
        .orderBy('id')
        .execute(),

    async countAnnotations(siteId) {
      const count = db
        .selectFrom('annotations')
        .select(({ fn }) => fn.countAll<number | string>().as('count'))
        .where('site_id', '=', siteId);
      return Number((await count.executeTakeFirstOrThrow()).count);
    },

    async removeAnnotation(siteId, id) {
      const removed = db.deleteFrom('annotations').where('site_id', '=', siteId).where('id', '=', id);
      return (await removed.executeTakeFirst()).numDeletedRows === 1n;
    },
  };
}
