/**
 * Which of the published scripts is being built. `rollup.config.mjs` replaces this module with two constants for each
 * build, and everything behind a `false` disappears from the file.
 */

/** `a.js` and everything above it. */
export const CORE: boolean = true;
/** `a.full.js` and the npm package. */
export const FULL: boolean = true;
