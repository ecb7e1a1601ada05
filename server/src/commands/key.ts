import { systemClock } from '../clock.ts';
import { digestApiKey, newApiKey, newApiKeyId } from '../keys.ts';
import type { KeyScope } from '../store/store.ts';
import { accountByEmail, CommandError, type Commands, siteNotFound } from './command.ts';

const NAME_MAX_CHARS = 100;
const SCOPES: readonly KeyScope[] = ['read', 'write'];

export const keyCommands: Commands = {
  'key add': {
    usage: 'key add --account E --name N [--scopes read,write] [--sites I,I]',
    sentence: 'Make an API key, to read unless said otherwise. It is shown once.',
    required: ['account', 'name'],
    optional: ['scopes', 'sites'],
    async run({ registry }, { account: email = '', name = '', scopes = 'read', sites }) {
      const account = await accountByEmail({ registry }, email);
      if (name.trim() === '' || name.length > NAME_MAX_CHARS) {
        throw new CommandError('INVALID_NAME', `The name of a key has 1 to ${NAME_MAX_CHARS} characters.`);
      }
      const siteIds = sites === undefined ? null : listed(sites);
      const own = await registry.sitesOf(account.id);
      const foreign = siteIds?.find((id) => !own.some((site) => site.id === id));
      if (foreign !== undefined) throw siteNotFound(foreign);
      const key = newApiKey();
      const digest = digestApiKey(key);
      if (digest === null) throw new Error('a key just made does not fit its own shape');
      const { id } = await registry.createApiKey({
        id: newApiKeyId(),
        accountId: account.id,
        name,
        ...digest,
        scopes: readScopes(scopes),
        siteIds,
        createdAtMs: systemClock.now(),
      });
      return { id, name, key };
    },
    say: ({ name, id, key }) => `API key "${name}" made (${id}). Shown only now:\n  ${key}`,
  },

  'key list': {
    usage: 'key list --account E',
    sentence: 'What each API key may do, and when it was last used.',
    required: ['account'],
    optional: [],
    async run({ registry }, { account: email = '' }) {
      const account = await accountByEmail({ registry }, email);
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
      // As made above.
      (keys as { id: string; name: string; scopes: string[]; last_used_at: string | null }[])
        .map(
          ({ id, name, scopes, last_used_at: at }) =>
            `${id}  ${scopes.join(',')}  last used ${at ?? 'never'}  ${harmless(name)}`,
        )
        .join('\n') || 'There are no API keys.',
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

/** For a terminal, which would obey some characters: whoever has an account gives names. */
function harmless(name: string): string {
  return name.replace(/\p{Cc}/gu, '\u{FFFD}');
}

function listed(text: string): string[] {
  return [...new Set(text.split(',').map((part) => part.trim()))];
}

function readScopes(text: string): KeyScope[] {
  return listed(text).map((name) => {
    const scope = SCOPES.find((known) => known === name);
    if (scope === undefined) {
      throw new CommandError(
        'INVALID_SCOPE',
        `There is no scope "${name}". There are: ${SCOPES.join(', ')}.`,
      );
    }
    return scope;
  });
}

function isoOrNull(atMs: number | null): string | null {
  return atMs === null ? null : new Date(atMs).toISOString();
}
