import { Option } from 'commander';
import { findAccount } from '../app/accounts.ts';
import { createApiKey, revokeApiKey } from '../app/api-keys.ts';
import { visibleText } from '../domain/visible-text.ts';
import type { Commands } from './command.ts';

const account = new Option('--account <address>', 'Email address of the account.');

export const keyCommands: Commands = {
  'key add': {
    description: 'Create an API key, read-only by default. The key is shown once.',
    required: [account, new Option('--name <name>', 'Name of the key.')],
    optional: [
      new Option('--scopes <scopes>', 'Scopes, separated by commas: read, write, configure. Default: read.'),
      new Option('--sites <ids>', 'Limit the key to these site IDs, separated by commas.'),
    ],
    async run(context, { account: email = '', name = '', scopes, sites }) {
      const account = await findAccount(context, email);
      const {
        id,
        name: kept,
        key,
      } = await createApiKey(context, account, {
        name,
        scopes: scopes === undefined ? undefined : listed(scopes),
        siteIds: sites === undefined ? null : listed(sites),
      });
      return { id, name: kept, key };
    },
    say: ({ name, id, key }) => `API key "${name}" created (${id}). Shown only once:\n  ${key}`,
  },

  'key list': {
    description: 'List the API keys of an account, with their scopes and last use.',
    required: [account],
    async run({ registry }, { account: email = '' }) {
      const account = await findAccount({ registry }, email);
      const keys = await registry.apiKeysOf(account.id);
      return {
        keys: keys.map(({ id, name, prefix, scopes, siteIds, createdAtMs, lastUsedAtMs, revokedAtMs }) => ({
          ...{ id, name, prefix, scopes, sites: siteIds },
          created_at: new Date(createdAtMs).toISOString(),
          last_used_at: isoOrNull(lastUsedAtMs),
          revoked_at: isoOrNull(revokedAtMs),
        })),
      };
    },
    say: ({ keys }) =>
      // `run` above returns this type.
      (keys as { id: string; name: string; scopes: string[]; last_used_at: string | null }[])
        .map(
          ({ id, name, scopes, last_used_at: at }) =>
            `${id}  ${scopes.join(',')}  last used ${at ?? 'never'}  ${visibleText(name)}`,
        )
        .join('\n') || 'No API keys yet.',
  },

  'key revoke': {
    description: 'Revoke an API key permanently.',
    required: [new Option('--id <id>', 'ID of the key, as "key list" prints it.')],
    async run(context, { id = '' }) {
      const key = await revokeApiKey(context, id);
      return { id: key.id, revoked_at: isoOrNull(key.revokedAtMs) };
    },
    say: ({ id, revoked_at }) => `API key ${id} revoked at ${revoked_at}.`,
  },
};

function listed(text: string): string[] {
  return [...new Set(text.split(',').map((part) => part.trim()))];
}

function isoOrNull(atMs: number | null): string | null {
  return atMs === null ? null : new Date(atMs).toISOString();
}
