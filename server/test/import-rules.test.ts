import { describe, expect, it } from 'vitest';
import { brokenRules, readModule, readModules } from './support/imports.ts';
import { root } from './support/paths.ts';

describe('the sources', () => {
  const modules = readModules(root, ['server/src', 'tracker']);

  it('are really read', () => {
    const paths = modules.map(({ path }) => path);
    expect(paths).toContain('server/src/collect/receive.ts');
    expect(paths).toContain('server/src/store/sqlite/driver.ts');
    expect(paths).toContain('tracker/src/index.ts');
    expect(modules.find(({ path }) => path === 'server/src/collect/receive.ts')?.files).toContain(
      'server/src/store/store.ts',
    );
  });

  it('keep to the rules of the layout', () => {
    expect(brokenRules(modules)).toEqual([]);
  });

  it.each([
    ['node:sqlite', 'server/src/store/sqlite/driver.ts'],
    ['postgres', 'server/src/store/postgres/driver.ts'],
  ])('name the driver %s in exactly one file', (driver, file) => {
    expect(modules.filter(({ packages }) => packages.includes(driver)).map(({ path }) => path)).toEqual([
      file,
    ]);
  });
});

/** Sources made up to break, or keep, one rule each: a path and its text, and what is said of them. */
const MADE_UP: readonly {
  name: string;
  sources: Readonly<Record<string, string>>;
  broken: readonly RegExp[];
}[] = [
  {
    name: 'a room imports a room',
    sources: {
      'server/src/collect/a.ts': "import { b } from '../api/b.ts';",
      'server/src/api/b.ts': 'export const b = 1;',
    },
    broken: [/collect\/a\.ts imports .*api\/b\.ts: a room never imports a room/],
  },
  {
    name: 'a room imports a type of a room',
    sources: {
      'server/src/dashboard/a.ts': "import type { B } from '../collect/b.ts';",
      'server/src/collect/b.ts': 'export type B = 1;',
    },
    broken: [/a room never imports a room/],
  },
  {
    name: 'a room imports what the store promises, and the commons',
    sources: {
      'server/src/api/a.ts':
        "import type { Store } from '../store/store.ts'; import { x } from '../errors.ts'; export * from './b.ts';",
      'server/src/api/b.ts': '',
      'server/src/store/store.ts': "import { x } from '../errors.ts';",
      'server/src/errors.ts': 'export const x = 1;',
    },
    broken: [],
  },
  {
    name: 'a room opens the store itself',
    sources: {
      'server/src/api/a.ts': "import { openStore } from '../store/open.ts';",
      'server/src/store/open.ts': '',
    },
    broken: [/opened by the entries only/],
  },
  {
    name: 'an engine is imported past open.ts',
    sources: {
      'server/src/server.ts': "const e = await import('./store/sqlite/events.ts');",
      'server/src/store/sqlite/events.ts': '',
    },
    broken: [/only store\/open\.ts imports engines/],
  },
  {
    name: 'an engine imports an engine',
    sources: {
      'server/src/store/postgres/a.ts': "import '../sqlite/b.ts';",
      'server/src/store/sqlite/b.ts': '',
    },
    broken: [/only store\/open\.ts imports engines/],
  },
  {
    name: 'open.ts imports engines',
    sources: {
      'server/src/store/open.ts': "import './sqlite/b.ts';",
      'server/src/store/sqlite/b.ts': '',
    },
    broken: [],
  },
  {
    name: 'two files know a driver',
    sources: {
      'server/src/store/sqlite/a.ts': "import { DatabaseSync } from 'node:sqlite';",
      'server/src/store/sqlite/b.ts': "import type { DatabaseSync } from 'node:sqlite';",
    },
    broken: [/node:sqlite is imported by .*a\.ts and .*b\.ts/],
  },
  {
    name: 'a driver outside the engines',
    sources: { 'server/src/api/a.ts': "const { DatabaseSync } = require('node:sqlite');" },
    broken: [/drivers belong to engines/],
  },
  {
    name: 'the tracker imports of the server',
    sources: {
      'tracker/src/a.ts': "import type { K } from '../../server/src/keys.ts';",
      'server/src/keys.ts': '',
    },
    broken: [/the tracker imports nothing of the server/],
  },
  {
    name: 'the server imports of the tracker more than the wire',
    sources: {
      'server/src/collect/a.ts':
        "import '../../../tracker/wire/limits.ts'; import '../../../tracker/src/send.ts';",
      'tracker/wire/limits.ts': '',
      'tracker/src/send.ts': '',
    },
    broken: [/tracker\/src\/send\.ts: the server knows nothing of the tracker but the wire/],
  },
  {
    name: 'the framework in the story, the policy and the store',
    sources: {
      'server/src/collect/receive.ts': "import type { FastifyRequest } from 'fastify';",
      'server/src/collect/domain.ts': "type R = import('fastify').FastifyRequest;",
      'server/src/store/store.ts': "export { x } from '@fastify/cors';",
      'server/src/collect/index.ts': "import type { FastifyInstance } from 'fastify';",
      'server/src/server.ts': "import Fastify from 'fastify';",
    },
    broken: [/receive\.ts imports fastify/, /domain\.ts imports fastify/, /store\.ts imports @fastify\/cors/],
  },
  {
    name: 'environment and exit outside the entries',
    sources: {
      'server/src/config.ts': 'const port = process.env.PORT;',
      'server/src/keys.ts': "globalThis.process['exit'](1);",
      'server/src/api/a.ts': 'const { env } = process;',
      'server/src/api/b.ts': "import { exit } from 'node:process';",
      'server/src/main.ts': 'process.exit(Number(process.env.CODE));',
    },
    broken: [/config\.ts uses/, /keys\.ts uses/, /a\.ts uses/, /b\.ts imports node:process/],
  },
  {
    name: 'the rest of process is free',
    sources: { 'server/src/store/sqlite/a.ts': 'console.log(process.pid, process.memoryUsage());' },
    broken: [],
  },
  {
    name: 'the commons import of a room, or an entry',
    sources: {
      'server/src/keys.ts': "import './clock.ts'; import './store/store.ts';",
      'server/src/clock.ts': '',
      'server/src/store/store.ts': '',
      'server/src/hosts.ts': "import './server.ts';",
      'server/src/server.ts': '',
    },
    broken: [/keys\.ts imports .*store\.ts: the commons/, /hosts\.ts imports .*server\.ts: the commons/],
  },
  {
    name: 'a cycle of types',
    sources: {
      'server/src/api/a.ts': "import type { B } from './b.ts';",
      'server/src/api/b.ts': "import type { C } from './c.ts';",
      'server/src/api/c.ts': "import type { A } from './a.ts';",
    },
    broken: [/cycle: .*a\.ts -> .*b\.ts -> .*c\.ts -> .*a\.ts/],
  },
  {
    name: 'a file that is not there',
    sources: { 'server/src/api/a.ts': "import './gone.ts';" },
    broken: [/there is no such source file/],
  },
];

describe('the check itself', () => {
  it.each(MADE_UP)('$name', ({ sources, broken }) => {
    const found = brokenRules(Object.entries(sources).map(([path, text]) => readModule(path, text)));
    expect(found).toHaveLength(broken.length);
    for (const [i, pattern] of broken.entries()) expect(found[i]).toMatch(pattern);
  });
});
