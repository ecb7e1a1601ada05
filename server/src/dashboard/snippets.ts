import { hash } from 'node:crypto';

/** The tag, in the words of wherever it goes. */

export interface Tracker {
  /** Address below the server, such as `a.js`. */
  script: string;
  /** Path at which the collector is, where the pinned script cannot know it. */
  collect: string | null;
  /** A name that changes with the content, and the hash that pins it; null where this build has none. */
  pinned: { script: string; integrity: string } | null;
}

/** What the built tracker's files offer, under the paths that the settings give them. */
export function trackerFrom(
  files: readonly { name: string; identity: Uint8Array }[],
  paths: { script: string | null; collect: string | null },
): Tracker {
  const pinned = files.find(({ name }) => /^a\.[0-9a-f]{8,}\.js$/.test(name));
  return {
    script: paths.script?.slice(1) ?? 'a.js',
    collect: paths.collect,
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

/** The tag with the script pinned to exactly the file it is today; null where there is nothing to pin. */
export function pinnedTag(baseUrl: string, key: string, { pinned, collect }: Tracker): string | null {
  if (pinned === null) return null;
  const api = collect === null ? '' : ` data-api="${baseUrl}${collect}"`;
  return `<script defer src="${baseUrl}/${pinned.script}" integrity="${pinned.integrity}" crossorigin="anonymous" data-key="${key}"${api}></script>`;
}

/** One for each place that people ask for. */
export function snippetsFor(baseUrl: string, key: string, { script }: Pick<Tracker, 'script'>): Snippet[] {
  const src = `${baseUrl}/${script}`;
  const tag = `<script defer src="${src}" data-key="${key}"></script>`;
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
