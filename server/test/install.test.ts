import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Site } from '../src/store/contract/store.ts';
import type { DashboardVisitor } from './support/dashboard-visitor.ts';
import { ownedSite } from './support/owned-site.ts';
import { builtScripts, World } from './support/world.ts';

/** The snippets of the install page, and the options in its query. */

let world: World;
let visitor: DashboardVisitor;
let site: Site;
let unique = 0;

beforeAll(async () => {
  world = await World.open();
  ({ visitor, site } = await ownedSite(
    world,
    await world.serve({ scripts: await builtScripts(), settings: { PUBLIC_URL: 'https://stats.example' } }),
    'notes.example',
  ));
});
afterAll(() => world.close());

const UNESCAPED: Readonly<Record<string, string>> = { lt: '<', quot: '"', amp: '&', '#39': "'" };

/** Returns the page for a query, and its copyable texts by their ids. */
async function install(query = ''): Promise<{ text: string; code: Record<string, string> }> {
  const { text, status } = await visitor.get(`/dashboard/sites/${site.id}/install?${query}`);
  expect(status).toBe(200);
  const code = [...text.matchAll(/<pre id="([\w-]+)"><code>([^<]*)/g)].map(([, id = '', escaped = '']) => [
    id.replace('snippet-', ''),
    escaped.replaceAll(/&([\w#]+);/g, (_all, name) => UNESCAPED[name] ?? ''),
  ]);
  return { text, code: Object.fromEntries(code) };
}

/** Returns the values of the inputs that are checked. */
const checked = (text: string) => [...text.matchAll(/value="(\w+)" checked/g)].map(([, value]) => value);

describe('the install page', () => {
  it('shows the core script by default, in a snippet for each platform', async () => {
    const { text, code } = await install();
    const { csp, sri, ...snippets } = code;
    expect(csp).toContain('script-src https://stats.example');
    expect(sri).toMatch(/\/a\.[0-9a-f]+\.js" integrity="sha384-/);
    expect(Object.keys(snippets)).toEqual([
      ...['html', 'next', 'nuxt', 'svelte', 'astro', 'react', 'vue', 'angular'],
      ...['wordpress', 'shopify', 'webflow', 'ghost', 'gtm'],
    ]);
    for (const snippet of Object.values(snippets)) {
      expect(snippet).toContain('https://stats.example/a.js');
      expect(snippet).toMatch(new RegExp(`data-key['"]?[:,=] ?["']${site.key}`));
    }
    expect(code.html).toBe(`<script defer src="https://stats.example/a.js" data-key="${site.key}"></script>`);
    expect(checked(text)).toEqual(['html', 'core']);
    expect(text).toMatch(/<form class="install" action="\/dashboard\/sites\/\w+\/install"/);
    expect(text).not.toMatch(/<details class="options" open/);
  });

  it('puts every option into every snippet', async () => {
    const { text, code } = await install(
      'platform=nuxt&build=full&outbound=on&downloads=on&forms=on&hash=on&query=page%2C+q[]%3B+page',
    );
    const attributes = {
      ...{ 'data-outbound': 'on', 'data-downloads': 'on', 'data-forms': 'on', 'data-hash': 'on' },
      'data-query': 'page|q[]',
    };
    const { csp: _csp, ...snippets } = code;
    for (const [id, snippet] of Object.entries(snippets)) {
      expect(snippet, id).toMatch(/https:\/\/stats\.example\/a\.full\.([0-9a-f]+\.)?js/);
      for (const [name, value] of Object.entries(attributes))
        expect(
          [`${name}="${value}"`, `'${name}': '${value}'`, `'${name}', '${value}'`].some((written) =>
            snippet.includes(written),
          ),
          `${name} for ${id}`,
        ).toBe(true);
    }
    expect(checked(text)).toEqual(['nuxt', 'full', 'on', 'on', 'on', 'on']);
    expect(text).toMatch(/<details class="options" open/);
    expect(text).toContain('<code id="script-url">https://stats.example/a.full.js</code>');
  });

  it('leaves out what only the full script knows if the core script is chosen', async () => {
    const { code } = await install('build=core&outbound=on&query=page');
    expect(code).toEqual((await install()).code);
    expect((await install('outbound=on')).code.html).toContain('a.full.js');
  });

  it('lists the files whose downloads count', async () => {
    const { code } = await install('downloads=on&files=PDF,+.zip;epub+pdf');
    expect(code.html).toContain(' data-downloads="pdf,zip,epub"');
    expect((await install('build=full&files=pdf')).code.html).not.toContain('data-downloads');
  });

  it.each([
    ['files', 'pdf,"><img src=x>', 'got “&quot;>&lt;img”'],
    ['query', 'a,"><img src=x>', 'got “&quot;>&lt;img”'],
    ['query', "a'", "got “a'”"],
    ['query', 'a|b', 'got “a|b”'],
    ['query', 'a b '.repeat(70).replaceAll(/\w/g, () => `x${unique++}`), 'at most 254 characters'],
  ])('says what is wrong with a list, and leaves it out: %s=%s', async (field, typed, problem) => {
    const { text, code } = await install(`build=full&${field}=${encodeURIComponent(typed)}`);
    expect(text).toContain(problem);
    expect(text).toMatch(new RegExp(`id="${field}"[^>]*aria-invalid="true"`));
    expect(text).not.toContain('<img');
    expect(code.html).toBe(
      `<script defer src="https://stats.example/a.full.js" data-key="${site.key}"></script>`,
    );
  });

  it('ignores choices that it does not know', async () => {
    expect((await install('platform=constructor&build=__proto__&outbound=off')).code).toEqual(
      (await install()).code,
    );
  });
});
