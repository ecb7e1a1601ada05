import type { Registry } from '../contract/store.ts';
import { accounts } from './accounts.ts';
import { annotations } from './annotations.ts';
import { apiKeys } from './api-keys.ts';
import { credentials } from './credentials.ts';
import type { Engine } from './engine.ts';
import { goals } from './goals.ts';
import { members } from './members.ts';
import { oneTimeTokens } from './one-time-tokens.ts';
import { salts } from './salts.ts';
import { savedQueries } from './saved-queries.ts';
import { securityLog } from './security-log.ts';
import { sessions } from './sessions.ts';
import { shares } from './shares.ts';
import { siteKeys } from './site-keys.ts';
import { sites } from './sites.ts';

/** Assembles the registry from its parts, which are the same for every engine. */
export function createRegistry(engine: Engine): Registry {
  return {
    ...accounts(engine),
    ...credentials(engine),
    ...sessions(engine),
    ...oneTimeTokens(engine),
    ...sites(engine),
    ...siteKeys(engine),
    ...members(engine),
    ...shares(engine),
    ...securityLog(engine),
    ...goals(engine),
    ...annotations(engine),
    ...savedQueries(engine),
    ...apiKeys(engine),
    ...salts(engine),
    ...engine.notices,
  };
}
