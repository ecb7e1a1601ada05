/** A minimal site of each framework: two pages, and a link between them that the framework's router follows. */

export interface App {
  /** The platform on the install page. */
  platform: string;
  /** Exact versions, so that a failure here is a change of ours. */
  packages: Readonly<Record<string, string>>;
  /** The files of the project, by their paths. @param snippet as the install page shows it */
  files(snippet: string): Readonly<Record<string, string>>;
  /** Arguments of Node that build the site for production. */
  build: readonly string[];
  /** Arguments of Node that serve the build, at the port in `PORT`. */
  serve(port: number): readonly string[];
}

export const FIRST_PAGE = 'First page';
export const SECOND_PAGE = 'Second page';
export const LINK = 'To the second page';

export const APPS: readonly App[] = [
  {
    platform: 'next',
    packages: {
      ...{ next: '16.4.6', react: '19.3.1', 'react-dom': '19.3.1' },
      ...{ typescript: '6.0.3', '@types/node': '24.19.2', '@types/react': '19.3.0' },
    },
    files(snippet) {
      const [imported, element] = snippet.split('\n\n');
      return {
        'app/layout.tsx': `${imported}
export default function Layout({ children }: { children: React.ReactNode }) {
  return <html lang="en"><body>{children}${element}</body></html>;
}`,
        'app/page.tsx': `import Link from 'next/link';
export default function Page() {
  return <><h1>${FIRST_PAGE}</h1><Link href="/second">${LINK}</Link></>;
}`,
        'app/second/page.tsx': `export default function Page() {
  return <h1>${SECOND_PAGE}</h1>;
}`,
      };
    },
    build: ['node_modules/next/dist/bin/next', 'build'],
    serve: (port) => ['node_modules/next/dist/bin/next', 'start', '--port', `${port}`],
  },
  {
    platform: 'svelte',
    packages: {
      ...{ '@sveltejs/kit': '3.2.0', '@sveltejs/adapter-node': '6.0.1' },
      ...{ '@sveltejs/vite-plugin-svelte': '7.3.1', svelte: '5.57.3', vite: '8.4.0' },
    },
    files: (snippet) => ({
      'vite.config.js': `import adapter from '@sveltejs/adapter-node';
import { sveltekit } from '@sveltejs/kit/vite';
export default { plugins: [sveltekit({ adapter: adapter() })] };`,
      'src/app.html': `<!doctype html>
<html lang="en">
  <head>
    ${snippet}
    %sveltekit.head%
  </head>
  <body data-sveltekit-preload-data="hover"><div>%sveltekit.body%</div></body>
</html>`,
      'src/routes/+page.svelte': `<h1>${FIRST_PAGE}</h1><a href="/second">${LINK}</a>`,
      'src/routes/second/+page.svelte': `<h1>${SECOND_PAGE}</h1>`,
    }),
    build: ['node_modules/vite/bin/vite.js', 'build'],
    serve: () => ['build/index.js'],
  },
  {
    platform: 'astro',
    packages: { astro: '7.3.5' },
    files: (snippet) => ({
      'src/layouts/Layout.astro': `---
import { ClientRouter } from 'astro:transitions';
---
<!doctype html>
<html lang="en">
  <head>
    <title>Astro</title>
    <ClientRouter />
    ${snippet}
  </head>
  <body><slot /></body>
</html>`,
      'src/pages/index.astro': `---
import Layout from '../layouts/Layout.astro';
---
<Layout><h1>${FIRST_PAGE}</h1><a href="/second">${LINK}</a></Layout>`,
      'src/pages/second.astro': `---
import Layout from '../layouts/Layout.astro';
---
<Layout><h1>${SECOND_PAGE}</h1></Layout>`,
    }),
    build: ['node_modules/astro/bin/astro.mjs', 'build'],
    serve: (port) => ['node_modules/astro/bin/astro.mjs', 'preview', '--port', `${port}`],
  },
];
