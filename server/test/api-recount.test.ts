import { execFile, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ApiWorld } from './support/api.ts';
import { root } from './support/paths.ts';

/** The numbers of the API against a recount in Python, which knows nothing of ours but the documentation. */

const SCRIPT = join(root, 'server/test/recount.py');
/** It needs the time zones of the system, and a Python that reads them. */
const hasPython =
  spawnSync('python3', ['-c', 'import zoneinfo; zoneinfo.ZoneInfo("America/St_Johns")']).status === 0;

let api: ApiWorld;

beforeAll(async () => {
  api = await ApiWorld.open();
});
afterAll(() => api.close());

describe.skipIf(!hasPython)(
  'a recount in another language (skipped where there is no python3 with time zones)',
  () => {
    it.each(['UTC', 'America/St_Johns', 'Pacific/Chatham'])(
      'finds every number of generated traffic as it is reported, in %s',
      async (zone) => {
        const { account, site } = await api.world.addOwner('example.com', 'pro');
        await api.world.store.registry.setTimeZone(account.id, zone);
        const { key } = await api.key(account, { scopes: ['read', 'write'] });
        // Loads all site keys at its start; the one that runs would hear of this by and by, and ask to try again until then.
        const server = await api.world.serve();
        const { code, output } = await python([
          server.url,
          ...[key, site.id, site.domain, new Date(api.world.clock.now()).toISOString(), zone],
        ]);
        expect(output).toMatch(
          /^\d{4,} numbers of \d{3,} events, \d+ visits and 90 bot visits compared, 0 differ\n/,
        );
        expect(code).toBe(0);
      },
      60_000,
    );
  },
);

function python(args: readonly string[]): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve) => {
    const child = execFile('python3', [SCRIPT, ...args], (_error, stdout, stderr) =>
      resolve({ code: child.exitCode, output: stdout + stderr }),
    );
  });
}
