import { hash } from 'node:crypto';

/** The tag, in the words of wherever it goes. */

export interface Tracker {
  /** Address below the server, such as `a.js`. */
  script: string;
  /** A name that changes with the content, and the hash that pins it; null where this build has none. */
  pinned: { script: string; integrity: string } | null;
}

/** What the built tracker's files offer. */
export function trackerFrom(files: readonly { name: string; identity: Uint8Array }[]): Tracker {
  const pinned = files.find(({ name }) => /^a\.[0-9a-f]{8,}\.js$/.test(name));
  return {
    script: 'a.js',
    pinned:
      pinned === undefined
        ? null
        : { script: pinned.name, integrity: `sha384-${hash('sha384', pinned.identity, 'base64')}` },
  };
}

export interface Snippet {
  id: string;
  name: string;
  /** Where it goes. */
  where: string;
  code: string;
}

export function tagOf(baseUrl: string, key: string, script = 'a.js'): string {
  return `<script defer src="${baseUrl}/${script}" data-key="${key}"></script>`;
}

/** One for each place that people ask for. */
export function snippetsFor(baseUrl: string, key: string): Snippet[] {
  const src = `${baseUrl}/a.js`;
  const tag = tagOf(baseUrl, key);
  return [
    { id: 'html', name: 'HTML', where: 'Into the <head> of every page.', code: tag },
    {
      id: 'next',
      name: 'Next.js',
      where: 'Into app/layout.tsx (or pages/_app.tsx). Route changes count by themselves.',
      code: `import Script from 'next/script';

<Script defer src="${src}" data-key="${key}" strategy="afterInteractive" />`,
    },
    {
      id: 'nuxt',
      name: 'Nuxt',
      where: 'Into nuxt.config.ts.',
      code: `export default defineNuxtConfig({
  app: {
    head: {
      script: [{ src: '${src}', defer: true, 'data-key': '${key}' }],
    },
  },
});`,
    },
    { id: 'svelte', name: 'SvelteKit', where: 'Into the <head> in src/app.html.', code: tag },
    {
      id: 'astro',
      name: 'Astro',
      where: 'Into the <head> of your layout. is:inline keeps Astro from bundling it.',
      code: `<script is:inline defer src="${src}" data-key="${key}"></script>`,
    },
    {
      id: 'npm',
      name: 'npm',
      where: 'Into the code that starts your app: adds the tag once, and needs no package.',
      code: `const script = document.createElement('script');
script.defer = true;
script.src = '${src}?key=${key}';
script.dataset.key = '${key}';
document.head.append(script);`,
    },
    {
      id: 'wordpress',
      name: 'WordPress',
      where:
        'Into functions.php of your theme, or a plugin for code snippets. The key is in the address too, since optimiser plugins drop attributes.',
      code: `add_action('wp_head', function () {
  echo '<script defer src="${src}?key=${key}" data-key="${key}"></script>';
});`,
    },
    {
      id: 'gtm',
      name: 'Tag Manager',
      where:
        'As a Custom HTML tag on All Pages. Tag Manager drops data- attributes, so the key is in the address.',
      code: `<script defer src="${src}?key=${key}"></script>`,
    },
  ];
}

/** What a page's Content-Security-Policy must allow. */
export function policyFor(baseUrl: string): string {
  const { origin } = new URL(baseUrl);
  return `script-src ${origin}; connect-src ${origin}`;
}
