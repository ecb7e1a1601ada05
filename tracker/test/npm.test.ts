import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, expectTypeOf, it } from 'vitest';
import type * as declared from '../npm/index.d.ts';
import type * as actual from '../src/npm.ts';
import { FakePage } from './support/fake-page.ts';

const built = new URL('../../dist/npm/', import.meta.url);

describe('the npm package', () => {
  it('matches its hand-written type declarations', () => {
    expectTypeOf<typeof actual>().toExtend<typeof declared>();
    expectTypeOf<typeof declared>().toExtend<typeof actual>();
  });

  it('rejects incorrect calls at compile time', () => {
    const program = ({ init, track }: typeof declared): void => {
      // @ts-expect-error: the key is missing.
      init({ api: 'https://stats.example/e' });
      // @ts-expect-error: there is no such option.
      init({ key: 'ak_1', api: '', cookies: true });
      // @ts-expect-error: an event needs a name.
      track();
      // @ts-expect-error: props are flat.
      track('x', { props: { plan: { name: 'pro' } } });
      // @ts-expect-error: properties go into `props`.
      track('x', { plan: 'pro' });
      // @ts-expect-error: a value is a number, or a text.
      track('x', { props: { plan: 'pro' }, value: true, callback: () => {} });
      track('x', { props: { plan: 'pro', seats: 3, trial: true, coupon: null, team: undefined } });
      track('x', { value: '49.90', currency: 'eur' });
      track('x', { props: { plan: 'pro' }, value: 49, currency: 'EUR', callback: ({ ok }) => ok });
    };
    expect(program).toBeTypeOf('function');
  });

  it('leaves out properties that are null or undefined', () => {
    const page = new FakePage({});
    page.init({
      key: 'ak_1',
      api: 'https://stats.example/e',
      props: { plan: 'pro', seats: 0, trial: false, note: '', coupon: null, team: undefined },
    });
    expect(page.views.map(({ key, props }) => ({ key, props }))).toEqual([
      { key: 'ak_1', props: { plan: 'pro', seats: '0', trial: 'false', note: '' } },
    ]);
  });

  it.each([
    [true, true],
    [false, false],
    [[], false],
    [['pdf', 'zip'], true],
    [['zip'], false],
  ])('counts downloads of the listed files with downloads: %j', (downloads, counted) => {
    const page = new FakePage({});
    page.init({ key: 'ak_1', api: 'https://stats.example/e', downloads });
    const { href, origin, pathname, host } = new URL('https://example.com/a.pdf');
    const closest = (selector: string) => (selector === 'a[href]' ? { href, origin, pathname, host } : null);
    page.dispatch('click', { button: 0, target: { closest } });
    expect(page.beacons.some(({ name }) => name === 'Download')).toBe(counted);
  });

  it('does nothing on a server', async () => {
    const { init, track, pageview } = (await import(`${built}index.js`)) as typeof declared;
    init({ key: 'ak_1', api: 'https://stats.example/e' });
    track('x');
    pageview();
  });

  it('contains only its own files and has no dependencies', () => {
    const description = JSON.parse(readFileSync(new URL('package.json', built), 'utf8')) as Record<
      string,
      unknown
    >;
    expect(description['name']).toBe('attractos-tracker');
    expect(description).not.toHaveProperty('dependencies');
    const [packed] = JSON.parse(
      execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
        cwd: built,
        encoding: 'utf8',
      }),
    ) as [{ files: { path: string }[] }];
    expect(packed.files.map(({ path }) => path).sort()).toEqual([
      'LICENSE',
      'README.md',
      'index.d.ts',
      'index.js',
      'package.json',
    ]);
  });
});
