import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { dashboards } from './sections/dashboards.ts';
import { disk } from './sections/disk.ts';
import { exportSection } from './sections/export.ts';
import { ingest, ingestNewcomers } from './sections/ingest.ts';
import { latency } from './sections/latency.ts';
import { memory } from './sections/memory.ts';
import { scaleOut } from './sections/scale-out.ts';
import { sites } from './sections/sites.ts';
import { startup } from './sections/startup.ts';
import { Report } from './support/report.ts';

/**
 * `npm run bench` compares the built server with one that does nothing, side by side in one run. It prints ratios with their
 * medians and spread, and finally recounts what was acknowledged.
 */
const SECTIONS = {
  ingest,
  'ingest-newcomers': ingestNewcomers,
  latency,
  dashboards,
  disk,
  export: exportSection,
  memory,
  sites,
  startup,
  'scale-out': scaleOut,
};

const HELP = `npm run bench [-- [--quick] [--checkout DIR] [section …]]

Sections: ${Object.keys(SECTIONS).join(', ')} (all, when none is named)
  --quick         fewer and shorter rounds, fewer events stored: to see where one stands, not to quote
  --checkout DIR  measure the built server of another checkout
`;

const checkoutOfOurs = fileURLToPath(new URL('../..', import.meta.url));

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      quick: { type: 'boolean', default: false },
      checkout: { type: 'string', default: checkoutOfOurs },
      help: { type: 'boolean', default: false },
    },
  });
  const names = positionals.length === 0 ? Object.keys(SECTIONS) : positionals;
  const unknown = names.filter((name) => !(name in SECTIONS));
  if (values.help || unknown.length > 0 || !existsSync(`${values.checkout}/server/bin/attractos.js`)) {
    process.stdout.write(HELP);
    return values.help ? 0 : 2;
  }
  const report = new Report();
  report.line(
    `Node ${process.version}, ${values.quick ? 'quick' : 'full'} run of ${resolve(values.checkout)}`,
  );
  for (const [name, section] of Object.entries(SECTIONS)) {
    if (names.includes(name))
      await section(report, { quick: values.quick, checkout: resolve(values.checkout) });
  }
  return report.end();
}

process.exitCode = await main();
