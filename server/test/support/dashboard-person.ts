import { hashPassword } from '../../src/app/passwords.ts';
import type { Account } from '../../src/store/contract/store.ts';
import { DashboardVisitor } from './dashboard-visitor.ts';
import type { RunningServer, World } from './world.ts';

export const PASSWORD = 'correct horse battery';

/** Creates an account and signs its user in. */
export async function signedIn(
  world: World,
  server: RunningServer,
  account: Account,
): Promise<DashboardVisitor> {
  await world.store.registry.setPassword(account.id, await hashPassword(PASSWORD));
  const visitor = new DashboardVisitor(server.url);
  await visitor.signIn(account.email, PASSWORD);
  return visitor;
}
