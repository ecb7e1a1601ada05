import { gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import { allSamples, type Samples } from '../gallery/samples.ts';
import { type Assets, loadAssets } from '../src/dashboard/assets.ts';
import { root } from './support/paths.ts';

/** Every view of the dashboard with sample data, as text. How a browser draws them: `e2e/gallery.spec.ts`. */

const PAGE_MAX_BYTES = 60_000;

let assets: Assets;
let samples: Samples;
beforeAll(async () => {
  assets = await loadAssets(`${root}/dist/dashboard`);
  samples = await allSamples(assets);
});

/** What does not hold for some views, by name. */
function failing(holds: (html: string) => boolean): string[] {
  return [...samples].filter(([, html]) => !holds(html)).map(([name]) => name);
}

describe('every view', () => {
  it('weighs less than 60 kB compressed, style and script included', () => {
    const shared = assets.files.reduce((sum, { gzip }) => sum + gzip.length, 0);
    expect(failing((html) => gzipSync(html).length + shared < PAGE_MAX_BYTES)).toEqual([]);
  });

  it('has nothing inline, and asks nothing of another server', () => {
    expect(failing((html) => !/<style|\sstyle=|<script(?![^>]*\ssrc=)|\son[a-z]+="/.test(html))).toEqual([]);
    const loaded = (html: string) =>
      [...html.matchAll(/<(?:link|script|img|iframe|source)\b[^>]*?\s(?:src|href)="([^"]*)"/g)].map(
        ([, address = '']) => address,
      );
    expect(failing((html) => loaded(html).length >= 3)).toEqual([]);
    expect(failing((html) => loaded(html).every((address) => /^(\/|data:)/.test(address)))).toEqual([]);
  });

  it('has a title, one main part, and one heading above all others', () => {
    const count = (html: string, what: RegExp) => [...html.matchAll(what)].length;
    expect(failing((html) => /<html lang="en">.*<title>[^<]+ · AttractOS<\/title>/.test(html))).toEqual([]);
    expect(failing((html) => count(html, /<main /g) === 1 && count(html, /<h1/g) === 1)).toEqual([]);
  });

  it('carries a token in each form that changes something', () => {
    const forms = (html: string) => html.match(/<form[^>]*method="post".*?<\/form>/g) ?? [];
    expect([...samples.values()].flatMap(forms).length).toBeGreaterThan(50);
    expect(failing((html) => forms(html).every((form) => form.includes('name="csrf"')))).toEqual([]);
  });
});
