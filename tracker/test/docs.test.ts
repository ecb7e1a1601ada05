import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const read = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8');
const readme = read('../README.md');

it('README names every attribute that the source reads, and no other', () => {
  const names = readdirSync(new URL('../src', import.meta.url))
    // The npm package has no tag, and what is declared is not yet read.
    .filter((file) => !['options.ts', 'settings.ts'].includes(file))
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

it('README and the declared settings name the same attributes', () => {
  const settings = [...read('../src/settings.ts').matchAll(/^ {2}(\w+)\?:/gm)].map(
    ([, name]) => `data-${name}`,
  );
  const documented = [...readme.matchAll(/^\| `(data-[a-z-]+)`/gm)].map(([, name]) => `${name}`);
  expect(settings.sort()).toEqual(documented.sort());
});

it('README repeats the size report as it is', async () => {
  const { table } = (await import(new URL('../size.mjs', import.meta.url).href)) as { table(): string };
  const [, printed] = /<!-- sizes -->\n([\s\S]*?)\n<!-- \/sizes -->/.exec(readme) ?? [];
  expect(printed).toBe(table());
});

it('a build leaves no hashed copies of earlier ones behind', () => {
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
