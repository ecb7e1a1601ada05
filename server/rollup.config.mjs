import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { minify } from 'terser';
import { typescript } from '../tracker/build/typescript.mjs';

// Builds what the dashboard's pages load: one script, one style sheet and the marks of sources, named after their content.

/** Budget of each file in gzip bytes. A larger build fails. */
const GZIP_MAX_BYTES = { js: 12_000, css: 10_000, svg: 12_000 };
const OUTPUT = 'dist/dashboard';
/** Style sheets in cascade order: later ones may override earlier ones. */
const STYLES = [
  ...['kit/base', 'kit/frame', 'kit/elements', 'kit/forms', 'kit/menu', 'kit/dialog', 'kit/auth-layout'],
  ...[
    'kit/site-frame',
    'sites/style',
    'roll-up/style',
    'install/style',
    'not-counted/style',
    'settings/style',
  ],
  ...['report/controls', 'report/figures', 'report/chart', 'report/panels', 'report/icons', 'report/details'],
  ...['map/style', 'funnels/style', 'journeys/style', 'saved/style', 'live/style', 'kit/print'],
];

const terser = {
  name: 'terser',
  async renderChunk(code) {
    return (await minify(code, { ecma: 2020, module: true })).code;
  },
};

const styleSheet = {
  name: 'style-sheet',
  generateBundle() {
    const source = STYLES.map((name) => readFileSync(`server/src/dashboard/${name}.css`, 'utf8'))
      .join('\n')
      .replaceAll(/\/\*[\s\S]*?\*\//g, '')
      .replaceAll(/\s*\n\s*/g, ' ')
      .replaceAll(/\s*([{};,])\s*/g, '$1')
      .trim();
    this.emitFile({ type: 'asset', fileName: `dashboard-${hashOf(source)}.css`, source });
  },
};

const marks = {
  name: 'marks',
  generateBundle() {
    const source = readFileSync('server/src/dashboard/kit/marks.svg', 'utf8');
    this.emitFile({ type: 'asset', fileName: `marks-${hashOf(source)}.svg`, source });
  },
};

const hashOf = (source) => createHash('sha256').update(source).digest('hex').slice(0, 12);

/** Lists the files of this build. Files of earlier builds may be in the same folder. */
const manifest = {
  name: 'manifest',
  generateBundle: {
    order: 'post',
    handler(_options, bundle) {
      const source = JSON.stringify({ files: Object.keys(bundle).sort() });
      this.emitFile({ type: 'asset', fileName: 'manifest.json', source });
    },
  },
};

const budget = {
  name: 'budget',
  writeBundle(_options, bundle) {
    for (const [name, file] of Object.entries(bundle)) {
      const size = gzipSync(file.code ?? file.source, { level: 9 }).length;
      const limit = GZIP_MAX_BYTES[name.split('.').at(-1)] ?? 1_000;
      if (size > limit) this.error(`${name}: ${size} bytes gzip, budget ${limit}`);
    }
  },
};

export default {
  input: 'server/src/dashboard/island-main.ts',
  output: { dir: OUTPUT, format: 'es', entryFileNames: 'dashboard-[hash].js' },
  plugins: [typescript, terser, styleSheet, marks, manifest, budget],
};
