import { sql } from 'kysely';
import type { SecurityDetails } from '../../domain/security-events.ts';
import type { Registry } from '../contract/store.ts';
import type { Engine } from './engine.ts';

type Methods = Pick<Registry, 'addSecurityEntry' | 'securityEntriesOf' | 'expireSecurityEntries'>;

/** The registry's methods for the security logs of accounts. */
export function securityLog({ db, locksRows }: Engine): Methods {
  return {
    async addSecurityEntry({ accountId, event, atMs, repeatedOnDay, ...entry }, max) {
      const row = {
        ...{ account_id: accountId, event, at: atMs, first_at: atMs, repeated_on_day: repeatedOnDay },
        ...{ actor_id: entry.actorId, via: entry.via, browser: entry.browser, country: entry.country },
        details: JSON.stringify(entry.details),
      };
      await db
        .insertInto('security_log')
        .values(row)
        .onConflict((conflict) =>
          conflict.columns(['account_id', 'event', 'via', 'repeated_on_day']).doUpdateSet({
            count: sql`security_log.count + 1`,
            ...{ at: row.at, actor_id: row.actor_id, browser: row.browser, country: row.country },
            details: row.details,
          }),
        )
        .execute();
      if (repeatedOnDay !== null) return;
      const oldestKept = db
        .selectFrom('security_log')
        .select('seq')
        .where('account_id', '=', accountId)
        .where('repeated_on_day', 'is', null)
        .orderBy('seq', 'desc')
        .limit(1)
        .offset(max - 1);
      await db
        .deleteFrom('security_log')
        .where('account_id', '=', accountId)
        .where('repeated_on_day', 'is', null)
        .where('seq', '<', oldestKept)
        .execute();
    },

    async securityEntriesOf(accountId, { sinceMs, before, limit }) {
      const rows = await db
        .selectFrom('security_log as s')
        .leftJoin('accounts as a', 'a.id', 's.actor_id')
        .select(['s.seq', 's.event', 's.at', 's.first_at', 's.count', 's.actor_id', 's.via', 's.browser'])
        .select(['s.country', 's.details', 'a.email'])
        .where('s.account_id', '=', accountId)
        .where('s.at', '>=', sinceMs)
        .$if(before !== null, (older) =>
          older.where(({ eb, and, or }) =>
            or([
              eb('s.at', '<', before?.atMs ?? 0),
              and([eb('s.at', '=', before?.atMs ?? 0), eb('s.seq', '<', before?.seq ?? 0)]),
            ]),
          ),
        )
        .orderBy('s.at', 'desc')
        .orderBy('s.seq', 'desc')
        .limit(limit)
        .execute();
      return rows.map(({ seq, event, via, browser, country, count, ...row }) => ({
        ...{ seq, event, via, browser, country, count },
        atMs: row.at,
        firstAtMs: row.first_at,
        actorId: row.actor_id,
        actorEmail: row.email,
        details: JSON.parse(row.details) as SecurityDetails,
      }));
    },

    async expireSecurityEntries(beforeMs) {
      const over = db
        .selectFrom('security_log')
        .select('seq')
        .where('at', '<', beforeMs)
        .$if(locksRows, (rows) => rows.forUpdate().skipLocked());
      await db.deleteFrom('security_log').where('seq', 'in', over).execute();
    },
  };
}
