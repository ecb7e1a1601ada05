/** Import rules for the layout in server/README.md. `npm run lint:imports` checks them. */

const SERVER = '^server/src';
const COMPOSITION_ROOTS = `${SERVER}/(main|cli|server)\\.ts$`;
/** Rooms where people and programs meet the product. */
const ROOMS = 'collect|api|dashboard|commands';

/** Allows a layer to import itself and the listed paths, and no other of our code. */
const layer = (name, comment, allowed) => ({
  name,
  comment,
  severity: 'error',
  from: { path: `${SERVER}/${name}/` },
  to: {
    path: '^(server|tracker|e2e)/',
    pathNot: [`${SERVER}/${name}/`, '^tracker/wire/', ...allowed.map((path) => `${SERVER}/${path}`)],
  },
});

/** Allows only some files to import a package. */
const knownOnlyTo = (name, comment, packages, files) => ({
  name,
  comment,
  severity: 'error',
  from: { path: SERVER, pathNot: files.map((file) => `${SERVER}/${file}`) },
  to: { path: packages },
});

export default {
  forbidden: [
    layer('domain', 'What the product knows is pure: it imports only the wire format.', []),
    layer('store', 'The store imports the domain.', ['domain/']),
    layer('config', 'Settings import the domain and name what the store promises.', [
      'domain/',
      'store/contract/',
    ]),
    layer('http', 'Plumbing imports the domain.', ['domain/']),
    layer('app', 'Use cases import the domain and what the store promises.', ['domain/', 'store/contract/']),
    layer('ops', 'Health and metrics import the domain, HTTP plumbing and what the store promises.', [
      'domain/',
      'http/',
      'app/',
      'store/contract/',
    ]),
    {
      name: 'a-room-never-imports-a-room',
      comment:
        'Shared logic moves down to app/ or domain/. Rooms also import http/ and what the store promises.',
      severity: 'error',
      from: { path: `${SERVER}/(collect|api|dashboard)/` },
      to: {
        path: '^(server|tracker|e2e)/',
        pathNot: [`${SERVER}/($1|domain|app|http|store/contract)/`, '^tracker/wire/'],
      },
    },
    layer(
      'commands',
      'The command line is a program of its own: it also reads settings and opens the store.',
      [...['domain/', 'app/', 'http/', 'config/', 'store/contract/', 'store/offline/', 'store/open\\.ts$']],
    ),
    {
      name: 'only-the-composition-roots-know-everything',
      severity: 'error',
      from: { path: '^server/(src|gallery)/', pathNot: COMPOSITION_ROOTS },
      to: { path: COMPOSITION_ROOTS },
    },
    {
      name: 'an-engine-never-imports-an-engine',
      severity: 'error',
      from: { path: `${SERVER}/store/(embedded|scale-out|registry)/` },
      to: { path: `${SERVER}/store/(embedded|scale-out|registry|offline)/`, pathNot: `${SERVER}/store/$1/` },
    },
    {
      name: 'reports-know-no-engine',
      comment: 'Every report is written once, for all engines.',
      severity: 'error',
      from: { path: `${SERVER}/store/reports/` },
      to: { path: `${SERVER}/store/(drivers|embedded|scale-out|registry|offline)/` },
    },
    {
      name: 'only-open-imports-engines',
      comment:
        'Offline work (backup, restore, audit) reads the files of engines; everything else asks for a store.',
      severity: 'error',
      from: { path: SERVER, pathNot: `${SERVER}/store/(open\\.ts|embedded/|scale-out/|registry/|offline/)` },
      to: { path: `${SERVER}/store/(embedded|scale-out|registry)/` },
    },
    {
      name: 'the-tracker-knows-no-server',
      severity: 'error',
      from: { path: '^tracker/(src|wire)/' },
      to: { path: '^(server|e2e)/' },
    },
    {
      name: 'the-server-knows-only-the-wire',
      severity: 'error',
      from: { path: '^server/(src|gallery)/' },
      to: { path: '^(tracker/(?!wire/)|e2e/)' },
    },
    knownOnlyTo('one-file-knows-sqlite', undefined, '^(node:)?sqlite$', ['store/drivers/sqlite\\.ts$']),
    knownOnlyTo('one-file-knows-postgres', undefined, 'node_modules/(postgres|pg)/', [
      'store/drivers/postgres\\.ts$',
    ]),
    knownOnlyTo('the-registry-knows-kysely', undefined, 'node_modules/kysely/', [
      'store/registry/',
      'store/drivers/(sqlite|postgres)-kysely\\.ts$',
    ]),
    knownOnlyTo('one-file-knows-clickhouse', undefined, 'node_modules/@clickhouse/', [
      'store/drivers/clickhouse\\.ts$',
    ]),
    knownOnlyTo('one-file-knows-duckdb', undefined, 'node_modules/@duckdb/', ['store/drivers/duckdb\\.ts$']),
    knownOnlyTo('fastify-is-known-to-routes', undefined, 'node_modules/(@fastify|fastify)/', [
      'server\\.ts$',
      '(http|ops)/',
      `(${ROOMS})/index\\.ts$`,
      '(collect|api)/[^/]*routes\\.ts$',
      'collect/(script|pixel)\\.ts$',
      'api/(http|router|docs/index)\\.ts$',
      'dashboard/kit/',
      'dashboard/[^/]+/routes\\.ts$',
    ]),
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'no-folder-cycles',
      scope: 'folder',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    { name: 'no-missing-files', severity: 'error', from: {}, to: { couldNotResolve: true } },
    {
      name: 'no-orphans',
      comment: 'A source file that nothing imports is dead, or an entry.',
      severity: 'error',
      from: {
        orphan: true,
        path: '^(server/src|tracker/src|tracker/wire)/',
        pathNot: '(island-main|main|cli|thread|writer)\\.ts$',
      },
      to: {},
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'server/tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: {
      extensions: ['.ts', '.tsx', '.js', '.mjs', '.json'],
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
    },
  },
};
