import { createRequire } from 'node:module';
import { join } from 'node:path';

// The packages that drawings are made from. The project does not depend on them, so the command line says where they are.

const [root] = process.argv.slice(2);
if (root === undefined) {
  process.stderr.write('Usage: node server/drawings/NAME.mjs FOLDER (see server/drawings/README.md)\n');
  process.exit(1);
}

/** Loads a package. */
export const load = createRequire(join(root, 'node_modules', 'here.js'));

/** Returns the path of a file or folder of a package. */
export const pathIn = (...names) => join(root, 'node_modules', ...names);
