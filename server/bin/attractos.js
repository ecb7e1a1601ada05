#!/usr/bin/env node
// The command: checks the Node it runs on, builds what is missing, and hands over to the program.
import './check-node.js';

const { ensureBuilt } = await import('./ensure-built.js');
ensureBuilt();
const program = process.argv[2] === 'serve' ? 'main' : 'cli';
await import(`../../dist/server/src/${program}.js`);
