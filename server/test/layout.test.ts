import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { cruise, type IConfiguration, type ICruiseResult } from 'dependency-cruiser';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { root } from './support/paths.ts';

/** `npm run lint:imports` applies the rules to the sources; these tests check that the rules do what they should. */

const sourcesIn = (folder: string): string[] =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.tsx?$/.test(file))
    .map((file) => join(folder, file));

/** Files that break one rule each, with the name of the rule. */
const BROKEN: readonly { rule: string; files: Readonly<Record<string, string>> }[] = [
  { rule: 'domain', files: { 'domain/a1.ts': "import '../app/free.ts';" } },
  {
    rule: 'store',
    files: { 'store/contract/a2.ts': "import type { F } from '../../app/free.ts'; export type G = F;" },
  },
  { rule: 'app', files: { 'app/a3.ts': "import '../store/open.ts';" } },
  { rule: 'http', files: { 'http/a4.ts': "import '../store/contract/store.ts';" } },
  { rule: 'ops', files: { 'ops/a5.ts': "import '../collect/room.ts';" } },
  { rule: 'config', files: { 'config/a6.ts': "import '../app/free.ts';" } },
  { rule: 'commands', files: { 'commands/a7.ts': "import '../api/room.ts';" } },
  {
    rule: 'a-room-never-imports-a-room',
    files: { 'dashboard/a8.ts': "import type { R } from '../collect/room.ts'; export type S = R;" },
  },
  { rule: 'only-the-composition-roots-know-everything', files: { 'api/a9.ts': "import '../server.ts';" } },
  {
    rule: 'an-engine-never-imports-an-engine',
    files: { 'store/scale-out/a10.ts': "import '../embedded/engine.ts';" },
  },
  {
    rule: 'only-open-imports-engines',
    files: { 'server2.ts': "await import('./store/embedded/engine.ts');" },
  },
  {
    rule: 'the-server-knows-only-the-wire',
    files: { 'collect/a11.ts': "import '../../../tracker/src/page.ts';" },
  },
  { rule: 'one-file-knows-sqlite', files: { 'store/embedded/a12.ts': "import 'node:sqlite';" } },
  { rule: 'one-file-knows-postgres', files: { 'store/registry/a13.ts': "import 'postgres';" } },
  { rule: 'one-file-knows-duckdb', files: { 'store/embedded/a15.ts': "import '@duckdb/node-api';" } },
  { rule: 'reports-know-no-engine', files: { 'store/reports/a16.ts': "import '../embedded/engine.ts';" } },
  { rule: 'one-file-knows-clickhouse', files: { 'store/scale-out/a14.ts': "import '@clickhouse/client';" } },
  {
    rule: 'fastify-is-known-to-routes',
    files: {
      'collect/receive.ts': "import type { FastifyRequest } from 'fastify'; export type F = FastifyRequest;",
    },
  },
  {
    rule: 'no-cycles',
    files: {
      'api/b1.ts': "import type { B } from './b2.ts'; export type A = B;",
      'api/b2.ts': "import type { A } from './b1.ts'; export type B = A;",
    },
  },
  {
    rule: 'no-folder-cycles',
    files: {
      'dashboard/x/c1.ts': "import '../y/c2.ts';",
      'dashboard/y/c2.ts': '',
      'dashboard/y/c3.ts': "import '../x/c4.ts';",
      'dashboard/x/c4.ts': '',
    },
  },
  { rule: 'no-missing-files', files: { 'api/d1.ts': "import './gone.ts';" } },
  { rule: 'no-orphans', files: { 'api/e1.ts': 'export const alone = 1;' } },
];

const FOUNDATION: Readonly<Record<string, string>> = {
  'app/free.ts': 'export type F = 1;',
  'collect/room.ts': 'export type R = 1;',
  'api/room.ts': '',
  'server.ts': '',
  'store/open.ts': "import './embedded/engine.ts';",
  'store/contract/store.ts': '',
  'store/embedded/engine.ts': '',
  '../../tracker/src/page.ts': '',
};

describe('the import rules', () => {
  const folder = mkdtempSync(join(tmpdir(), 'attractos-layout-'));
  let broken: Set<string>;

  beforeAll(async () => {
    for (const files of [FOUNDATION, ...BROKEN.map(({ files }) => files)])
      for (const [name, text] of Object.entries(files)) {
        const file = join(folder, 'server/src', name);
        mkdirSync(dirname(file), { recursive: true });
        writeFileSync(file, text);
      }
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
    const { default: configuration } = (await import(join(root, '.dependency-cruiser.mjs'))) as {
      default: IConfiguration;
    };
    const { options, ...ruleSet } = configuration;
    const { tsConfig: _, ...rest } = options ?? {};
    const { output } = await cruise(['server/src', 'tracker/src'], {
      ...rest,
      ruleSet,
      validate: true,
      baseDir: folder,
    });
    broken = new Set((output as ICruiseResult).summary.violations.map(({ rule }) => rule.name));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it.each(BROKEN)('catch a violation of "$rule"', ({ rule }) => {
    expect(broken).toContain(rule);
  });
});

describe('the environment and the end of the process', () => {
  /** Matches every way to access `process`. */
  const USE =
    /process(\?)?\.(env|exit)\b|process\[['"](env|exit)|\{[^}]*\b(env|exit)\b[^}]*\}\s*=\s*process\b|from ['"](node:)?process['"]/;

  it('lets only main.ts and cli.ts use the environment and end the process', () => {
    const users = sourcesIn('server/src').filter((file) => USE.test(readFileSync(join(root, file), 'utf8')));
    expect(users.sort()).toEqual(['server/src/cli.ts', 'server/src/main.ts']);
  });
});

describe('statements for SQLite', () => {
  // Some supported Node versions (22.18 to 22.19 and 23.11 to 24.6) refuse to bind values to ?1 by position. The tested
  // versions accept it, so only the text shows it. Use a named parameter for a value that is needed twice.
  it('use no numbered parameters', () => {
    const paths = sourcesIn('server/src/store');
    expect(paths.length).toBeGreaterThan(30);
    const numbered = /\?(?:\d|\$\{)/;
    expect(paths.filter((path) => numbered.test(readFileSync(join(root, path), 'utf8')))).toEqual([]);
  });
});
