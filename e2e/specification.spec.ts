import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from './support/fixtures.ts';
import type { Lab, Site } from './support/lab.ts';
import { findPython } from './support/python.ts';

/**
 * The specification's three samples of `GET /api/v1/sites`, copied verbatim into `samples/`. Only the host and the key are
 * replaced, and the Python sample gets back the indentation that the specification's plain text has lost.
 */

const execute = promisify(execFile);

/**
 * Returns a sample as it is run against a server. Its key is limited to a site: Node prints at most 100 items of an array, and
 * the lab has a site for each test.
 */
async function sample(name: 'curl' | 'fetch' | 'requests', lab: Lab, site: Site): Promise<string> {
  const text = readFileSync(new URL(`samples/${name}.txt`, import.meta.url), 'utf8');
  for (const placeholder of ['https://attractos.com', 'YOUR_API_KEY'])
    expect(text.split(placeholder)).toHaveLength(2);
  return text
    .replace('https://attractos.com', lab.server.address)
    .replace('YOUR_API_KEY', await lab.newApiKey(site));
}

/** Indents the last line, as Python requires. The specification's plain text has lost the indentation. */
function indentLoop(python: string): string {
  return python.replace(/:\n(print\()/, ':\n    $1');
}

/** Stores two events on the site, so that the expected count is neither 0 nor 1. */
async function countTwo(lab: Lab, site: Site): Promise<void> {
  for (const id of ['first', 'second']) {
    const { status } = await lab.post(
      JSON.stringify({ key: site.key, id: `${site.id}-${id}`, url: site.at('/') }),
    );
    expect(status).toBe(202);
  }
}

test(
  'curl: the response matches the specification field by field',
  { tag: '@chromium' },
  async ({ lab, site }, testInfo) => {
    const missing = spawnSync('curl', ['--version']).status !== 0;
    testInfo.skip(missing, 'curl is not on this machine');
    await countTwo(lab, site);

    const { stdout } = await execute('sh', ['-c', await sample('curl', lab, site)]);
    const { sites, ...rest } = JSON.parse(stdout);
    expect(rest).toEqual({});
    expect(sites).toEqual([
      {
        id: site.id,
        domain: site.domain,
        key: site.key,
        events_this_month: 2,
        created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      },
    ]);
    expect(site.id).toMatch(/^site_/);
    expect(site.key).toMatch(/^ak_/);
  },
);

test('fetch: the sample prints the sites', { tag: '@chromium' }, async ({ lab, site }) => {
  await countTwo(lab, site);
  const { stdout } = await execute(
    process.execPath,
    ['--input-type=module', '--eval', await sample('fetch', lab, site)],
    {
      env: { ...process.env, FORCE_COLOR: '0' },
    },
  );
  expect(stdout).toContain(`id: '${site.id}'`);
  expect(stdout).toContain(`domain: '${site.domain}'`);
  expect(stdout).toContain('events_this_month: 2');
});

test(
  'Python: the sample prints a line for each site',
  { tag: '@chromium' },
  async ({ lab, site }, testInfo) => {
    const python = findPython();
    testInfo.skip(python === null, 'python3 with the module "requests" is not on this machine');
    await countTwo(lab, site);

    const folder = mkdtempSync(join(tmpdir(), 'attractos-sample-'));
    try {
      writeFileSync(join(folder, 'sample.py'), indentLoop(await sample('requests', lab, site)));
      const { stdout } = await execute(python ?? '', [join(folder, 'sample.py')]);
      expect(stdout.split('\n')).toContain(`${site.domain}: 2 events`);
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
);
