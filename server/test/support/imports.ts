import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import ts from 'typescript';

/** Who may import whom: the rules of the layout, checked by reading the sources. */

/** A source file as far as the rules look at it. Paths are relative to the checkout. */
export interface Module {
  path: string;
  /** Files of ours that it imports, types included. */
  files: string[];
  /** Packages and parts of Node that it imports, as written. */
  packages: string[];
  /** `process.env` and `process.exit`, where it uses them. */
  process: string[];
}

const ROOMS = ['collect', 'api', 'dashboard', 'store'];
const ENTRIES = ['server/src/main.ts', 'server/src/cli.ts', 'server/src/server.ts'];
/** What `server.ts` is put together from besides the rooms. */
const PARTS_OF_SERVER = ['server/src/health.ts', 'server/src/chores.ts', 'server/src/overload.ts'];
/** Commons about the store's nouns. */
const SPEAKS_OF_THE_STORE = ['server/src/attempts.ts', 'server/src/ledger.ts', 'server/src/live-feed.ts'];
/** The numbers the server shows: part of `server.ts`, which alone imports them. */
const METRICS = /^server\/src\/metrics\//;
/** The command line's commands: part of `cli.ts`, which alone imports them. */
const COMMANDS = /^server\/src\/commands\//;
const PROCESS_IS_KNOWN_TO = ['server/src/main.ts', 'server/src/cli.ts'];
const STORE_IS_OPENED_BY = ['server/src/main.ts', 'server/src/cli.ts'];
/** Files that speak HTTP. A new one is named here, or it has no business with the framework. */
const SPEAKS_HTTP = [
  /^server\/src\/(server|health|proxies)\.ts$/,
  /^server\/src\/(collect|api|dashboard)\/index\.ts$/,
  /^server\/src\/collect\/(script|pixel)\.ts$/,
  /^server\/src\/api\/(http|docs\/index)\.ts$/,
  /^server\/src\/dashboard\/pages\/[^/]+\.ts$/,
  /^server\/src\/metrics\/routes\.ts$/,
];
const DRIVERS = ['node:sqlite', 'sqlite', 'better-sqlite3', 'pg', 'postgres', '@clickhouse/client'];

/** What a source text imports. `path` is where it stands. */
export function readModule(path: string, text: string): Module {
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const module: Module = { path, files: [], packages: [], process: [] };
  const add = (specifier: ts.Node | undefined) => {
    if (specifier === undefined || !ts.isStringLiteralLike(specifier)) return;
    const to = specifier.text;
    if (to.startsWith('.')) module.files.push(posix.join(posix.dirname(path), to));
    else module.packages.push(to);
  };
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) add(node.moduleSpecifier);
    else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) add(node.argument.literal);
    else if (ts.isImportEqualsDeclaration(node) && ts.isExternalModuleReference(node.moduleReference))
      add(node.moduleReference.expression);
    else if (ts.isCallExpression(node) && isImporting(node.expression)) add(node.arguments[0]);
    const used = useOfProcess(node);
    if (used !== null) module.process.push(used);
    ts.forEachChild(node, visit);
  };
  visit(source);
  return module;
}

function isImporting(callee: ts.Expression): boolean {
  return (
    callee.kind === ts.SyntaxKind.ImportKeyword || (ts.isIdentifier(callee) && callee.text === 'require')
  );
}

const isGuarded = (name: string) => name === 'env' || name === 'exit';

function useOfProcess(node: ts.Node): string | null {
  if (ts.isPropertyAccessExpression(node) && /(^|\.)process$/.test(node.expression.getText())) {
    return isGuarded(node.name.text) ? `process.${node.name.text}` : null;
  }
  if (ts.isElementAccessExpression(node) && /(^|\.)process$/.test(node.expression.getText())) {
    const { argumentExpression: name } = node;
    return !ts.isStringLiteralLike(name) || isGuarded(name.text) ? `process[${name.getText()}]` : null;
  }
  // `const { env } = process` and anything else that takes the whole of it
  if (ts.isVariableDeclaration(node) && node.initializer?.getText() === 'process') return node.getText();
  return null;
}

/** Reads every source file below some folders of the checkout. */
export function readModules(root: string, folders: readonly string[]): Module[] {
  return folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.(ts|tsx|mts|js|mjs)$/.test(name))
      .map((name) => posix.join(folder, name))
      .sort()
      .map((path) => readModule(path, readFileSync(join(root, path), 'utf8'))),
  );
}

function roomOf(path: string): string | null {
  return ROOMS.find((room) => path.startsWith(`server/src/${room}/`)) ?? null;
}

function engineOf(path: string): string | null {
  return /^server\/src\/store\/([^/]+)\//.exec(path)?.[1] ?? null;
}

function isCommon(path: string): boolean {
  return /^server\/src\/[^/]+\.ts$/.test(path) && ![...ENTRIES, ...PARTS_OF_SERVER].includes(path);
}

/** What is wrong with one import between files of ours, null where nothing is. */
function judgeImport(from: string, to: string): string | null {
  if (from.startsWith('tracker/'))
    return to.startsWith('server/') ? 'the tracker imports nothing of the server' : null;
  if (to.startsWith('tracker/')) {
    return to.startsWith('tracker/wire/') ? null : 'the server knows nothing of the tracker but the wire';
  }
  if (!to.startsWith('server/src/')) return 'the program imports nothing from outside its sources';
  if (isCommon(from)) {
    const isStore = to === 'server/src/store/store.ts' && SPEAKS_OF_THE_STORE.includes(from);
    return isCommon(to) || isStore ? null : 'the commons import nothing of ours but each other';
  }
  if (PARTS_OF_SERVER.includes(to) && !PARTS_OF_SERVER.includes(from))
    return from === 'server/src/server.ts' ? null : 'the parts of the server are put together by server.ts';
  if (ENTRIES.includes(to)) return from === 'server/src/main.ts' ? null : 'nobody imports an entry';
  if (METRICS.test(to) && !METRICS.test(from))
    return from === 'server/src/server.ts' ? null : 'the metrics are put together by server.ts';
  if (COMMANDS.test(to) && !COMMANDS.test(from))
    return from === 'server/src/cli.ts' ? null : 'commands are run by cli.ts';
  const engine = engineOf(to);
  if (engine !== null && engine !== engineOf(from)) {
    return from === 'server/src/store/open.ts' ? null : 'only store/open.ts imports engines';
  }
  if (to === 'server/src/store/open.ts' && !STORE_IS_OPENED_BY.includes(from) && !COMMANDS.test(from))
    return 'the store is opened by the entries only';
  const [fromRoom, toRoom] = [roomOf(from), roomOf(to)];
  if (fromRoom !== null && toRoom !== null && fromRoom !== toRoom && to !== 'server/src/store/store.ts')
    return 'a room never imports a room';
  return null;
}

function judgeModule(module: Module): string[] {
  const { path } = module;
  const wrong = module.files.flatMap((to) => {
    const why = judgeImport(path, to);
    return why === null ? [] : [`${path} imports ${to}: ${why}`];
  });
  for (const name of module.packages) {
    if (/^(@fastify\/|fastify($|\/|-))/.test(name) && !SPEAKS_HTTP.some((file) => file.test(path)))
      wrong.push(`${path} imports ${name}: it is none of the files that speak HTTP`);
    if (DRIVERS.includes(name) && engineOf(path) === null)
      wrong.push(`${path} imports ${name}: drivers belong to engines`);
    if (/^(node:)?process$/.test(name) && !PROCESS_IS_KNOWN_TO.includes(path))
      wrong.push(`${path} imports ${name}: environment and exit belong to the entries`);
  }
  if (!PROCESS_IS_KNOWN_TO.includes(path)) {
    for (const use of module.process)
      wrong.push(`${path} uses ${use}: environment and exit belong to the entries`);
  }
  return wrong;
}

function judgeDrivers(modules: readonly Module[]): string[] {
  return DRIVERS.flatMap((driver) => {
    const users = modules.filter((module) => module.packages.includes(driver)).map(({ path }) => path);
    return users.length > 1
      ? [`${driver} is imported by ${users.join(' and ')}: one file knows a driver`]
      : [];
  });
}

/** Cycles of imports, types included, each as `a -> b -> a`. */
function cycles(modules: readonly Module[]): string[] {
  const byPath = new Map(modules.map((module) => [module.path, module]));
  const done = new Set<string>();
  const found: string[] = [];
  const walk = (path: string, way: readonly string[]): void => {
    const start = way.indexOf(path);
    if (start !== -1) {
      found.push(`cycle: ${[...way.slice(start), path].join(' -> ')}`);
      return;
    }
    if (done.has(path)) return;
    for (const to of byPath.get(path)?.files ?? []) walk(to, [...way, path]);
    done.add(path);
  };
  for (const { path } of modules) walk(path, []);
  return found;
}

/** Everything that breaks a rule, each in a sentence; empty where nothing does. */
export function brokenRules(modules: readonly Module[]): string[] {
  const known = new Set(modules.map(({ path }) => path));
  const missing = modules.flatMap(({ path, files }) =>
    files
      .filter((to) => /^(server|tracker)\//.test(to) && !known.has(to))
      .map((to) => `${path} imports ${to}: there is no such source file`),
  );
  return [...modules.flatMap(judgeModule), ...judgeDrivers(modules), ...cycles(modules), ...missing];
}
