import { gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import { allSamples, type Samples } from '../gallery/samples.ts';
import { type Assets, loadAssets } from '../src/dashboard/kit/assets.ts';
import { root } from './support/paths.ts';

/** Every view of the dashboard with sample data, as text. `e2e/gallery.spec.ts` renders them in a browser. */

const PAGE_MAX_BYTES = 60_000;

let assets: Assets;
let samples: Samples;
beforeAll(async () => {
  assets = await loadAssets(`${root}/dist/dashboard`);
  samples = await allSamples(assets);
});

/** Returns the names of the views for which a condition does not hold. */
function failing(holds: (html: string) => boolean): string[] {
  return [...samples].filter(([, html]) => !holds(html)).map(([name]) => name);
}

describe('every view', () => {
  it('keeps every view smaller than 60 kB compressed, including style and script', () => {
    const shared = assets.files.reduce((sum, { gzip }) => sum + gzip.length, 0);
    expect(failing((html) => gzipSync(html).length + shared < PAGE_MAX_BYTES)).toEqual([]);
  });

  it('has no inline code and no requests to other servers', () => {
    expect(failing((html) => !/<style|\sstyle=|<script(?![^>]*\ssrc=)|\son[a-z]+="/.test(html))).toEqual([]);
    const loaded = (html: string) =>
      [...html.matchAll(/<(?:link|script|img|iframe|source)\b[^>]*?\s(?:src|href)="([^"]*)"/g)].map(
        ([, address = '']) => address,
      );
    expect(failing((html) => loaded(html).length >= 3)).toEqual([]);
    expect(failing((html) => loaded(html).every((address) => /^(\/|data:)/.test(address)))).toEqual([]);
  });

  it('has a title, one main element and one h1', () => {
    const count = (html: string, what: RegExp) => [...html.matchAll(what)].length;
    expect(failing((html) => /<html lang="en"[^>]*>.*<title>[^<]+ · AttractOS<\/title>/.test(html))).toEqual(
      [],
    );
    expect(failing((html) => count(html, /<main /g) === 1 && count(html, /<h1/g) === 1)).toEqual([]);
  });

  it('has a CSRF token in each form that changes something', () => {
    const forms = (html: string) => html.match(/<form[^>]*method="post".*?<\/form>/g) ?? [];
    expect([...samples.values()].flatMap(forms).length).toBeGreaterThan(50);
    expect(failing((html) => forms(html).every((form) => form.includes('name="csrf"')))).toEqual([]);
  });
});
