import type { ComponentChildren, VNode } from 'preact';
import { renderToString } from 'preact-render-to-string';
import { linksWithBasePath } from '../../http/base-path.ts';
import { Form } from './form.tsx';
import type { Frame } from './parts.ts';
import { MarksUrl } from './source-mark.tsx';

/**
 * The HTML document of every page. The renderer escapes all values; never write HTML by hand. Pages write links without the path of
 * the public URL, which is added here.
 */

export interface DocumentParts {
  frame: Frame;
  title: string;
  /** The width of the content: narrow for a single form, wide for reports. */
  width?: 'narrow' | 'normal' | 'wide';
  /** Whether only the content is shown, for a frame on another page. */
  isBare?: boolean;
  children: ComponentChildren;
}

export function documentOf({
  frame,
  title,
  width = 'normal',
  isBare = false,
  children,
}: DocumentParts): string {
  const html = renderToString(
    <html lang="en" data-theme={frame.theme}>
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content={frame.theme ?? 'light dark'} />
        <meta name="robots" content="noindex" />
        <title>{title} · AttractOS</title>
        <link rel="icon" href={ICON} />
        <link rel="stylesheet" href={frame.style} />
        <script type="module" src={frame.script} />
      </head>
      <body>
        {!isBare && (
          <>
            <a class="skip" href="#main">
              Skip to content
            </a>
            <Top frame={frame} />
          </>
        )}
        <main id="main" class={`page page-${isBare ? 'bare' : width}`}>
          <MarksUrl.Provider value={frame.marks}>{children}</MarksUrl.Provider>
        </main>
        {!isBare && (
          <footer class="foot">
            <p>AttractOS. No visitor cookies, no third parties. Times are UTC unless noted.</p>
          </footer>
        )}
      </body>
    </html>,
  );
  return `<!doctype html>${linksWithBasePath(html, frame.basePath)}`;
}

const ICON = `data:image/svg+xml,${encodeURIComponent(
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><path d="M6 4v12a10 10 0 0 0 20 0V4h-7v12a3 3 0 0 1-6 0V4z" fill="#5b4bd6"/><path d="M6 4h7v5H6zM19 4h7v5h-7z" fill="#e8a33d"/></svg>',
)}`;

function Logo(): VNode {
  return (
    <svg class="logo" viewBox="0 0 32 32" aria-hidden="true">
      <path class="logo-body" d="M6 4v12a10 10 0 0 0 20 0V4h-7v12a3 3 0 0 1-6 0V4z" />
      <path class="logo-tips" d="M6 4h7v5H6zM19 4h7v5h-7z" />
    </svg>
  );
}

const LINKS = [
  {
    to: '/dashboard',
    name: 'Sites',
    isHere: (path: string) => path === '/dashboard' || /^\/dashboard\/(sites|add-site|roll-up)/.test(path),
  },
  {
    to: '/dashboard/settings/api-keys',
    name: 'API keys',
    isHere: (path: string) => path.startsWith('/dashboard/settings'),
  },
  {
    to: '/dashboard/account',
    name: 'Account',
    isHere: (path: string) => path.startsWith('/dashboard/account'),
  },
];

function Top({ frame }: { frame: Frame }): VNode {
  return (
    <header class="top">
      <a class="brand" href={frame.email === null ? '/' : '/dashboard'}>
        <Logo />
        AttractOS
      </a>
      {frame.email !== null && (
        <>
          <nav aria-label="Main">
            <ul>
              {LINKS.map(({ to, name, isHere }) => (
                <li>
                  <a href={to} aria-current={isHere(frame.path) ? 'page' : undefined}>
                    {name}
                  </a>
                </li>
              ))}
            </ul>
          </nav>
          <Form frame={frame} class="sign-out" action="/logout">
            <button type="submit" class="plain" title={`Signed in as ${frame.email}`}>
              Sign out
            </button>
          </Form>
        </>
      )}
    </header>
  );
}
