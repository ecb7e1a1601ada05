import { hash } from 'node:crypto';
import { hostOf, isLocalHost, shownDomain } from '../../domain/hosts.ts';
import type { Tracker } from '../kit/parts.ts';
import { INSTALL_TEXT } from './text.ts';

/** The snippet for each framework and tag manager. */

/** Returns the built tracker's files, under the paths of the settings. @param basePath the path of the public URL */
export function trackerFrom(
  files: readonly { name: string; identity: Uint8Array }[],
  paths: { script: string | null; collect: string | null },
  basePath = '',
): Tracker {
  const pinned = files.find(({ name }) => /^a\.[0-9a-f]{8,}\.js$/.test(name));
  return {
    script: paths.script?.slice(1) ?? 'a.js',
    collect: paths.collect ?? (basePath === '' ? null : '/e'),
    pinned:
      pinned === undefined
        ? null
        : { script: pinned.name, integrity: `sha384-${hash('sha384', pinned.identity, 'base64')}` },
  };
}

/** Creates the tag with the key in the script's address, for pages whose attributes get lost. */
export function keyedTag(baseUrl: string, key: string, { script }: Pick<Tracker, 'script'>): string {
  return `<script defer src="${baseUrl}/${script}?key=${key}"></script>`;
}

/** Warns if the pages of a domain cannot load the script from this server's address; null if they can. */
export function addressWarning(baseUrl: string, domain: string): string | null {
  if (isLocalHost(domain)) return null;
  const host = hostOf(baseUrl);
  if (host !== null && isLocalHost(host)) return INSTALL_TEXT.localScript(host, shownDomain(domain));
  return baseUrl.startsWith('http:') ? INSTALL_TEXT.insecureScript : null;
}

export interface Snippet {
  id: string;
  name: string;
  /** Where to paste the snippet. */
  where: string;
  code: string;
}

/** Creates the tag that pins the script to its current content; null if this build cannot pin it. */
export function pinnedTag(baseUrl: string, key: string, { pinned, collect }: Tracker): string | null {
  if (pinned === null) return null;
  const api = collect === null ? '' : ` data-api="${baseUrl}${collect}"`;
  return `<script defer src="${baseUrl}/${pinned.script}" integrity="${pinned.integrity}" crossorigin="anonymous" data-key="${key}"${api}></script>`;
}

/** Returns a snippet for each framework and tag manager. */
export function snippetsFor(baseUrl: string, key: string, { script }: Pick<Tracker, 'script'>): Snippet[] {
  const src = `${baseUrl}/${script}`;
  const tag = `<script defer src="${src}" data-key="${key}"></script>`;
  return [
    { id: 'html', name: 'HTML', where: INSTALL_TEXT.html, code: tag },
    {
      id: 'next',
      name: 'Next.js',
      where: INSTALL_TEXT.next,
      code: `import Script from 'next/script';

<Script defer src="${src}" data-key="${key}" strategy="afterInteractive" />`,
    },
    {
      id: 'nuxt',
      name: 'Nuxt',
      where: INSTALL_TEXT.nuxt,
      code: `export default defineNuxtConfig({
  app: {
    head: {
      script: [{ src: '${src}', defer: true, 'data-key': '${key}' }],
    },
  },
});`,
    },
    { id: 'svelte', name: 'SvelteKit', where: INSTALL_TEXT.svelte, code: tag },
    {
      id: 'astro',
      name: 'Astro',
      where: INSTALL_TEXT.astro,
      code: `<script is:inline defer src="${src}" data-key="${key}"></script>`,
    },
    {
      id: 'npm',
      name: 'npm',
      where: INSTALL_TEXT.npm,
      code: `const script = document.createElement('script');
script.defer = true;
script.src = '${src}?key=${key}';
script.dataset.key = '${key}';
document.head.append(script);`,
    },
    {
      id: 'wordpress',
      name: 'WordPress',
      where: INSTALL_TEXT.wordpress,
      code: `add_action('wp_head', function () {
  echo '<script defer src="${src}?key=${key}" data-key="${key}"></script>';
});`,
    },
    {
      id: 'gtm',
      name: 'Tag Manager',
      where: INSTALL_TEXT.gtm,
      code: keyedTag(baseUrl, key, { script }),
    },
  ];
}

/** Returns the sources that a page's Content-Security-Policy must allow. */
export function policyFor(baseUrl: string): string {
  const { origin } = new URL(baseUrl);
  return `script-src ${origin}; connect-src ${origin}`;
}
