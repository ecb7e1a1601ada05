#!/usr/bin/env node
// The command: checks the Node it runs on, builds what is missing, and hands over to the program.
import './check-node.js';

// Node 22 calls its SQLite experimental on standard error, which belongs to our own words. From 24 on it does not.
const emitWarning = process.emitWarning;
process.emitWarning = (warning, ...rest) => {
  if (!String(warning).startsWith('SQLite is an experimental feature'))
    emitWarning.call(process, warning, ...rest);
};

const { ensureBuilt } = await import('./ensure-built.js');
ensureBuilt();
// With anything behind it, a question for help included, no server is meant.
const [name = '', ...rest] = process.argv.slice(2);
const program = ['serve', 'demo'].includes(name) && rest.length === 0 ? 'main' : 'cli';
await import(`../../dist/server/src/${program}.js`);
