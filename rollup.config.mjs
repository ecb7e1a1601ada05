import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import typescript from '@rollup/plugin-typescript';
import { minify } from 'terser';

/** Budgets in bytes: a build that grows past one of them fails. */
const builds = [{ name: 'a', gzip: 800, brotli: 690 }];

const terser = {
  name: 'terser',
  async renderChunk(code) {
    const minified = await minify(code, {
      ecma: 2020,
      toplevel: true,
      compress: { passes: 3, unsafe_arrows: true, pure_getters: true },
      // Properties that start with an underscore are ours alone.
      mangle: { properties: { regex: /^_/ } },
    });
    return minified.code;
  },
};

const budget = ({ name, ...limits }) => ({
  name: 'budget',
  generateBundle(_options, bundle) {
    for (const { code } of Object.values(bundle)) {
      const sizes = {
        gzip: gzipSync(code, { level: 9 }).length,
        brotli: brotliCompressSync(code, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }).length,
      };
      for (const [format, size] of Object.entries(sizes)) {
        if (size > limits[format])
          this.error(`${name}.js: ${size} bytes ${format}, budget ${limits[format]}`);
      }
    }
  },
});

export default builds.map((build) => ({
  input: 'tracker/src/index.ts',
  output: { file: `dist/public/${build.name}.js`, format: 'iife', strict: false },
  plugins: [typescript({ tsconfig: 'tracker/tsconfig.json' }), terser, budget(build)],
}));
