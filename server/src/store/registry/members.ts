import { sql } from 'kysely';
import type { Registry } from '../contract/store.ts';
import type { Engine } from './engine.ts';

type Methods = Pick<Registry, 'membersOf' | 'membershipsOf' | 'roleOn' | 'setMember' | 'removeMember'>;

/** The registry's methods for the members of sites. */
export function members({ db }: Engine): Methods {
  // A member's email address comes from the member's account.
  const all = db
    .selectFrom('members as m')
    .innerJoin('accounts as a', 'a.id', 'm.account_id')
    .select(['m.site_id as siteId', 'm.account_id as accountId', 'a.email', 'm.role']);
  return {
    membersOf: (siteId) => all.where('m.site_id', '=', siteId).orderBy(sql`lower(a.email)`).execute(),

    membershipsOf: (accountId) => all.where('m.account_id', '=', accountId).orderBy('m.site_id').execute(),

    async roleOn(siteId, accountId) {
      const row = await db
        .selectFrom('members')
        .select('role')
        .where('site_id', '=', siteId)
        .where('account_id', '=', accountId)
        .executeTakeFirst();
      return row?.role ?? null;
    },

    async setMember(siteId, accountId, role) {
      await db
        .insertInto('members')
        .values({ site_id: siteId, account_id: accountId, role })
        .onConflict((conflict) => conflict.columns(['site_id', 'account_id']).doUpdateSet({ role }))
        .execute();
    },

    removeMember: (siteId, accountId) =>
      db.transaction().execute(async (tx) => {
        for (const table of ['members', 'saved_queries'] as const) {
          await tx
            .deleteFrom(table)
            .where('site_id', '=', siteId)
            .where('account_id', '=', accountId)
            .execute();
        }
      }),
  };
}
