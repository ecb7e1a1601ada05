// Prints the sizes of the built scripts and their budgets. Exits with 1 if a script is over its budget.
import { readFileSync } from 'node:fs';

const read = (path) => JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8'));
const budgets = read('budgets.json');
const manifest = read('../dist/public/manifest.json');

/** The table in README.md. */
export const table = () =>
  [
    '| file | raw | gzip −9 | budget (aim) | brotli 11 | budget (aim) |',
    '|---|---:|---:|---:|---:|---:|',
    ...Object.entries(manifest).map(([name, { bytes }]) => {
      const { aim, ...budget } = budgets[name];
      const cells = ['gzip', 'brotli'].flatMap((format) => [
        bytes[format],
        `${budget[format]} (${aim[format]})`,
      ]);
      return `| \`${name}\` | ${[bytes.raw, ...cells].join(' | ')} |`;
    }),
  ].join('\n');

if (process.argv[1] === import.meta.filename) {
  console.log(table());
  const heavy = Object.entries(manifest).filter(([name, { bytes }]) =>
    ['gzip', 'brotli'].some((format) => bytes[format] > budgets[name][format]),
  );
  process.exitCode = heavy.length ? 1 : 0;
}
