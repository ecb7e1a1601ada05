#!/usr/bin/env node
// The command: checks the Node it runs on, builds what is missing, and hands over to the program.
import './check-node.js';

// Node 22 and the first ones of 24 call their SQLite experimental, on standard error, which belongs to our own words.
const emitWarning = process.emitWarning;
process.emitWarning = (warning, ...rest) => {
  if (!String(warning).startsWith('SQLite is an experimental feature'))
    emitWarning.call(process, warning, ...rest);
};

// The shell between `npm start` and this program ends by a signal without passing it on.
const parent = process.ppid;
const CHECK_MS = 250;
if (process.env.npm_lifecycle_event !== undefined)
  setInterval(() => {
    if (process.ppid !== parent) process.kill(process.pid, 'SIGTERM');
  }, CHECK_MS).unref();

const { ensureBuilt } = await import('./ensure-built.js');
ensureBuilt();
// With anything behind it, a question for help included, no server is meant.
const [name = '', ...rest] = process.argv.slice(2);
const program = ['serve', 'demo'].includes(name) && rest.length === 0 ? 'main' : 'cli';
await import(`../../dist/server/src/${program}.js`);
