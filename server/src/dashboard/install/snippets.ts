import { hash } from 'node:crypto';
import { hostOf, isLocalHost, shownDomain } from '../../domain/hosts.ts';
import type { Tracker, TrackerScript } from '../kit/parts.ts';
import type { Choice } from './choice.ts';
import { INSTALL_TEXT } from './text.ts';

/** The snippet for each platform. */

/** Returns the built tracker's files, under the paths of the settings. @param basePath the path of the public URL */
export function trackerFrom(
  files: readonly { name: string; identity: Uint8Array }[],
  paths: { script: string | null; collect: string | null },
  basePath = '',
): Tracker {
  const script = (path: string, hashedName: RegExp): TrackerScript => {
    const pinned = files.find(({ name }) => hashedName.test(name));
    return {
      path,
      pinned:
        pinned === undefined
          ? null
          : { script: pinned.name, integrity: `sha384-${hash('sha384', pinned.identity, 'base64')}` },
    };
  };
  const path = paths.script?.slice(1) ?? 'a.js';
  return {
    core: script(path, /^a\.[0-9a-f]{8,}\.js$/),
    full: script(path.replace(/\.js$/, '.full.js'), /^a\.full\.[0-9a-f]{8,}\.js$/),
    collect: paths.collect ?? (basePath === '' ? null : '/e'),
  };
}

/** Warns if the pages of a domain cannot load the script from this server's address; null if they can. */
export function addressWarning(baseUrl: string, domain: string): string | null {
  if (isLocalHost(domain)) return null;
  const host = hostOf(baseUrl);
  if (host !== null && isLocalHost(host)) return INSTALL_TEXT.localScript(host, shownDomain(domain));
  return baseUrl.startsWith('http:') ? INSTALL_TEXT.insecureScript : null;
}

/** What a snippet is made of. */
export interface SnippetParts {
  baseUrl: string;
  siteKey: string;
  tracker: Tracker;
  choice: Pick<Choice, 'build' | 'attributes'>;
}

/** The tag from which each snippet is made. */
interface Tag {
  src: string;
  /** The site key. */
  key: string;
  /** The `data-` attributes with the key first, by their full names. */
  attributes: readonly (readonly [name: string, value: string])[];
}

function tagOf({ baseUrl, siteKey, tracker, choice }: SnippetParts): Tag {
  return {
    src: scriptUrl({ baseUrl, tracker, choice }),
    key: siteKey,
    attributes: [['key', siteKey] as const, ...choice.attributes].map(
      ([name, value]) => [`data-${name}`, value] as const,
    ),
  };
}

/** Returns the address of the chosen script. */
export function scriptUrl({ baseUrl, tracker, choice }: Omit<SnippetParts, 'siteKey'>): string {
  return `${baseUrl}/${tracker[choice.build].path}`;
}

const inHtml = (attributes: Tag['attributes']): string =>
  attributes.map(([name, value]) => ` ${name}="${value}"`).join('');

const htmlTag = ({ src, attributes }: Tag): string =>
  `<script defer src="${src}"${inHtml(attributes)}></script>`;

/** Creates the tag with the key in the script's address, for pages whose attributes get lost. */
export function keyedTag(parts: SnippetParts): string {
  const { src, key, attributes } = tagOf(parts);
  return htmlTag({ src: `${src}?key=${key}`, key, attributes: attributes.slice(1) });
}

/** Creates the tag that pins the script to its current content; null if the server cannot pin it. */
export function pinnedTag(parts: SnippetParts): string | null {
  const { baseUrl, tracker, choice } = parts;
  const { pinned } = tracker[choice.build];
  if (pinned === null) return null;
  const api = tracker.collect === null ? '' : ` data-api="${baseUrl}${tracker.collect}"`;
  return `<script defer src="${baseUrl}/${pinned.script}" integrity="${pinned.integrity}" crossorigin="anonymous"${inHtml(tagOf(parts).attributes)}${api}></script>`;
}

/** A platform: where its owners paste the snippet, and how the snippet is written there. */
interface Platform {
  id: string;
  name: string;
  where: string;
  code: (tag: Tag) => string;
}

/** The platforms in the order of the page. */
const PLATFORMS: readonly Platform[] = [
  {
    id: 'html',
    name: 'HTML',
    where: 'Paste this into the <head> of every page.',
    code: htmlTag,
  },
  {
    id: 'next',
    name: 'Next.js',
    where: 'In app/layout.tsx, put the import at the top and the element at the end of <body>.',
    code: ({ src, attributes }) => `import Script from 'next/script';

<Script src="${src}"${inHtml(attributes)} />`,
  },
  {
    id: 'nuxt',
    name: 'Nuxt',
    where: 'Add this to nuxt.config.ts.',
    code: ({ src, attributes }) => `export default defineNuxtConfig({
  app: {
    head: {
      script: [
        {
          src: '${src}',
          defer: true,
${attributes.map(([name, value]) => `          '${name}': '${value}',`).join('\n')}
        },
      ],
    },
  },
});`,
  },
  {
    id: 'svelte',
    name: 'SvelteKit',
    where: 'Paste this into the <head> in src/app.html.',
    code: htmlTag,
  },
  {
    id: 'astro',
    name: 'Astro',
    where: 'Paste this into the <head> of your layout. is:inline keeps Astro from bundling it.',
    code: ({ src, attributes }) => `<script is:inline defer src="${src}"${inHtml(attributes)}></script>`,
  },
  {
    id: 'react',
    name: 'React',
    where: 'Paste this into the <head> in index.html, which Vite has in the root of the project.',
    code: htmlTag,
  },
  {
    id: 'vue',
    name: 'Vue',
    where: 'Paste this into the <head> in index.html, which Vite has in the root of the project.',
    code: htmlTag,
  },
  {
    id: 'angular',
    name: 'Angular',
    where: 'Paste this into the <head> in src/index.html.',
    code: htmlTag,
  },
  {
    id: 'wordpress',
    name: 'WordPress',
    where:
      'Add this to your theme’s functions.php or to a code snippets plugin. The key is also in the URL because optimizer plugins drop attributes.',
    code: ({ src, key, attributes }) => `add_action('wp_head', function () {
  echo '${htmlTag({ src: `${src}?key=${key}`, key, attributes })}';
});`,
  },
  {
    id: 'shopify',
    name: 'Shopify',
    where:
      'Under Online Store → Themes → Edit code, paste this into layout/theme.liquid, before </head>. Checkout pages don’t use the theme, so they aren’t counted.',
    code: htmlTag,
  },
  {
    id: 'webflow',
    name: 'Webflow',
    where:
      'Under Site settings → Custom code, paste this into the head code. Save it, then publish the site.',
    code: htmlTag,
  },
  {
    id: 'ghost',
    name: 'Ghost',
    where: 'Under Settings → Code injection, paste this into the site header.',
    code: htmlTag,
  },
  {
    id: 'gtm',
    name: 'Google Tag Manager',
    where:
      'Create a Custom HTML tag that fires on All Pages. It creates the script element because Tag Manager drops data- attributes of tags.',
    // Tag Manager refuses code that is newer than ECMAScript 5.
    code: ({ src, attributes }) => `<script>
  var script = document.createElement('script');
  script.src = '${src}';
${attributes.map(([name, value]) => `  script.setAttribute('${name}', '${value}');`).join('\n')}
  document.head.appendChild(script);
</script>`,
  },
];

export interface Snippet extends Pick<Platform, 'id' | 'name' | 'where'> {
  code: string;
}

/** Returns a snippet for each platform. */
export function snippetsFor(parts: SnippetParts): Snippet[] {
  const tag = tagOf(parts);
  return PLATFORMS.map(({ code, ...platform }) => ({ ...platform, code: code(tag) }));
}

/** Returns the sources that a page's Content-Security-Policy must allow. */
export function policyFor(baseUrl: string): string {
  const { origin } = new URL(baseUrl);
  return `script-src ${origin}; connect-src ${origin}`;
}
