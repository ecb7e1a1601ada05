// Plain JavaScript that any Node understands: says in a sentence what an older one would say by crashing.
const WANTED = [22, 18];

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < WANTED[0] || (major === WANTED[0] && minor < WANTED[1])) {
  console.error(
    `AttractOS needs Node ${WANTED.join('.')} or newer; this is ${process.versions.node}. On Linux (x64) "npm ci" brings one along: start with "npm start" or "npm run", not with "node".`,
  );
  process.exit(1);
}
