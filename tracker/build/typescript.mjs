// Translates TypeScript file by file. Types are not checked here: `npm run types` does that, and takes much longer.
import { transformSync } from 'oxc-transform';

/**
 * Translates the text of a file.
 *
 * @param options.rewriteImports whether imports of `.ts` files become imports of `.js` files
 * @returns the code and its source map
 * @throws if the syntax is wrong
 */
export function translate(file, text, { rewriteImports }) {
  const { code, map, errors } = transformSync(file, text, {
    sourcemap: true,
    target: 'es2023',
    jsx: { runtime: 'automatic', importSource: 'preact' },
    typescript: {
      // As `verbatimModuleSyntax` asks.
      onlyRemoveTypeImports: true,
      rewriteImportExtensions: rewriteImports,
    },
  });
  if (errors.length > 0)
    throw new Error(errors.map(({ codeframe, message }) => codeframe ?? message).join('\n'));
  return { code, map };
}

/** Rollup's plugin. */
export const typescript = {
  name: 'typescript',
  transform: (text, id) => (id.endsWith('.ts') ? translate(id, text, { rewriteImports: false }) : null),
};
