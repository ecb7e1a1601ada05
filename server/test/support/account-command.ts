import { recordNothing } from '../../src/app/security-log.ts';
import { accountCommands } from '../../src/commands/account.ts';
import type { World } from './world.ts';

/**
 * Runs an operator's command for one account, in this process, as with `OIDC_ONLY`.
 *
 * @param name such as `account unlink`
 * @returns its answer, and what it says without `--json`
 */
export async function runAccountCommand(world: World, name: string, email: string) {
  const command = accountCommands[name];
  if (command === undefined || !('run' in command)) throw new Error(`there is no command ${name}`);
  const context = {
    ...world.store,
    clock: world.clock,
    record: recordNothing,
    refusesPasswords: true,
    basePath: '',
  };
  const answer = await command.run(context, { email });
  return { answer, said: command.say(answer) };
}
