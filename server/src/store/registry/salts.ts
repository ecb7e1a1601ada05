import { randomBytes } from 'node:crypto';
import type { Registry } from '../contract/store.ts';
import type { Engine } from './engine.ts';

const SALT_BYTES = 32;

/** The registry's methods for daily salts. */
export function salts({ db, eraseDeletedSalts }: Engine): Pick<Registry, 'saltOf'> {
  return {
    async saltOf(day, keepFromDay) {
      const { salt } = await db.transaction().execute(async (tx) => {
        await tx.deleteFrom('salts').where('day', '<', keepFromDay).execute();
        await tx
          .insertInto('salts')
          .values({ day, salt: randomBytes(SALT_BYTES) })
          .onConflict((conflict) => conflict.column('day').doNothing())
          .execute();
        return tx.selectFrom('salts').select('salt').where('day', '=', day).executeTakeFirstOrThrow();
      });
      await eraseDeletedSalts();
      return salt;
    },
  };
}
