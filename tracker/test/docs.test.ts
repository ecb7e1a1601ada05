import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { URL_MAX_CHARS } from '../wire/limits.ts';

const read = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8');
const readme = read('../README.md');

it('README lists exactly the attributes that the source reads', () => {
  const names = readdirSync(new URL('../src', import.meta.url))
    // The npm package has no tag.
    .filter((file) => file !== 'options.ts')
    .flatMap((file) => {
      const code = read(`../src/${file}`);
      const destructured = /dataset: \{([^}]*)\}/.exec(code)?.[1] ?? '';
      return [...code.matchAll(/\bdataset\.(\w+)/g), ...destructured.matchAll(/(\w+) = /g)];
    })
    .map(([, name]) => `data-${name}`);
  const source = [...new Set(names)];
  const documented = [...readme.matchAll(/^\| `(data-[a-z-]+)`/gm)].map(([, name]) => `${name}`);
  const prefixes = [
    'data-props-*',
    ...['event', 'prop-*', 'with-value', 'with-currency'].map((name) => `data-attractos-${name}`),
  ];
  expect(source.length).toBeGreaterThan(10);
  expect(documented.sort()).toEqual(source.sort());
  for (const prefix of prefixes) expect(readme).toContain(prefix);
});

it('README and the Settings type list the same attributes', () => {
  const settings = [...read('../src/tag.ts').matchAll(/^ {2}(\w+)\?:/gm)].map(([, name]) => `data-${name}`);
  const documented = [...readme.matchAll(/^\| `(data-[a-z-]+)`/gm)].map(([, name]) => `${name}`);
  expect(settings.sort()).toEqual(documented.sort());
});

it('README contains the current size report', async () => {
  const { table } = (await import(new URL('../size.mjs', import.meta.url).href)) as { table(): string };
  const [, printed] = /<!-- sizes -->\n([\s\S]*?)\n<!-- \/sizes -->/.exec(readme) ?? [];
  expect(printed).toBe(table());
});

it('a build removes the hashed copies of earlier builds', () => {
  const manifest = JSON.parse(read('../../dist/public/manifest.json')) as Record<string, { hashed: string }>;
  const hashed = readdirSync(new URL('../../dist/public/', import.meta.url)).filter((file) =>
    /^a\..*[0-9a-f]{16}\.js$/.test(file),
  );
  expect(hashed.sort()).toEqual(
    Object.values(manifest)
      .map((entry) => entry.hashed)
      .sort(),
  );
});

it('the manifest has the hash and size of each file, and each is within its budget', () => {
  const manifest = JSON.parse(read('../../dist/public/manifest.json')) as Record<
    string,
    { hashed: string; integrity: string; bytes: { raw: number; gzip: number; brotli: number } }
  >;
  const budgets = JSON.parse(read('../budgets.json')) as Record<string, { gzip: number; brotli: number }>;
  expect(Object.keys(manifest).sort()).toEqual(Object.keys(budgets).sort());
  for (const [name, { hashed, integrity, bytes }] of Object.entries(manifest)) {
    const code = readFileSync(new URL(`../../dist/public/${name}`, import.meta.url));
    expect(read(`../../dist/public/${hashed}`)).toBe(code.toString());
    expect(integrity).toBe(`sha384-${createHash('sha384').update(code).digest('base64')}`);
    const weight = { raw: code.length, gzip: gzipSync(code, { level: 9 }).length };
    expect(bytes).toEqual({ ...weight, brotli: brotliCompressSync(code).length });
    expect(bytes.gzip).toBeLessThanOrEqual(budgets[name]?.gzip ?? 0);
    expect(bytes.brotli).toBeLessThanOrEqual(budgets[name]?.brotli ?? 0);
  }
});

it('URLs are shortened to a length that the wire allows', () => {
  // The module cannot be imported here: it reads the tag of the page.
  const [, chars] = /\bURL_CUT_AT_CHARS = (\w+);/.exec(read('../src/url.ts')) ?? [];
  expect(Number(chars)).toBeGreaterThan(0);
  expect(Number(chars)).toBeLessThanOrEqual(URL_MAX_CHARS);
});
