/**
 * Tells which of the published scripts is being built. `rollup.config.mjs` replaces this module with two constants for each
 * build, and the minifier removes all code behind a `false`.
 */

/** Whether the build is `a.js`, `a.full.js` or the npm package. */
export const CORE: boolean = true;
/** Whether the build is `a.full.js` or the npm package. */
export const FULL: boolean = true;
