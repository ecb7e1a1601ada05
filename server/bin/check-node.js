// Plain JavaScript for any version of Node: an older one gets a clear error instead of a crash.
const WANTED = [22, 18];

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < WANTED[0] || (major === WANTED[0] && minor < WANTED[1])) {
  console.error(
    `AttractOS requires Node ${WANTED.join('.')} or newer; got ${process.versions.node}. On Linux, "npm ci" installs the right one in a checkout: use "npm start" or "npm run" instead of "node". Elsewhere, use: npx attractos`,
  );
  process.exit(1);
}
