import { systemClock } from '../clock.ts';
import { digestApiKey, newApiKey, newApiKeyId } from '../keys.ts';
import { accountByEmail, CommandError, type Commands } from './command.ts';

const NAME_MAX_CHARS = 100;

export const keyCommands: Commands = {
  'key add': {
    usage: 'key add --account E --name N',
    sentence: 'Make an API key. It is shown once.',
    required: ['account', 'name'],
    optional: [],
    async run({ registry }, { account: email = '', name = '' }) {
      const account = await accountByEmail({ registry }, email);
      if (name.trim() === '' || name.length > NAME_MAX_CHARS) {
        throw new CommandError('INVALID_NAME', `The name of a key has 1 to ${NAME_MAX_CHARS} characters.`);
      }
      const key = newApiKey();
      const digest = digestApiKey(key);
      if (digest === null) throw new Error('a key just made does not fit its own shape');
      const { id } = await registry.createApiKey({
        id: newApiKeyId(),
        accountId: account.id,
        name,
        ...digest,
        createdAtMs: systemClock.now(),
      });
      return { id, name, key };
    },
    say: ({ name, id, key }) => `API key "${name}" made (${id}). Shown only now:\n  ${key}`,
  },

  'key revoke': {
    usage: 'key revoke --id I',
    sentence: 'Revoke an API key for good.',
    required: ['id'],
    optional: [],
    async run({ registry }, { id = '' }) {
      const key = await registry.revokeApiKey(id, systemClock.now());
      if (key === null) throw new CommandError('KEY_NOT_FOUND', `There is no API key with the id "${id}".`);
      return { id: key.id, revoked_at: new Date(key.revokedAtMs ?? 0).toISOString() };
    },
    say: ({ id, revoked_at }) => `API key ${id} revoked at ${revoked_at}.`,
  },
};
