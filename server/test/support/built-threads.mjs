// Makes worker threads of tests run the built program instead of its source, from which Node would have to strip the types.
// It does so in WebAssembly, and if several threads do, V8 may end the process: "Check failed: jit_page.has_value()" (seen once in
// 2,500 threads in Node 24.21). After changes of code that threads run, start Vitest again, which builds it.
import { registerHooks } from 'node:module';
import { isMainThread } from 'node:worker_threads';

const root = new URL('../../../', import.meta.url).href;
const source = `${root}server/src/`;

if (!isMainThread)
  registerHooks({
    resolve(specifier, context, nextResolve) {
      const resolved = nextResolve(specifier, context);
      if (!resolved.url.startsWith(source) || !resolved.url.endsWith('.ts')) return resolved;
      const built = resolved.url.slice(root.length).replace(/\.ts$/, '.js');
      return { ...resolved, url: `${root}dist/${built}`, format: 'module' };
    },
  });
