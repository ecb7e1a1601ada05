import fc from 'fast-check';
import { Compile } from 'typebox/compile';
import { describe, expect, it } from 'vitest';
import { Beacon } from '../wire/beacon.ts';
import { BUILDS, FakePage, type Faults, PARTS } from './support/fake-page.ts';

const schema = Compile(Beacon);

type Step =
  | { readonly path: number }
  | 'back'
  | 'same'
  | 'hash'
  | 'hide'
  | 'show'
  | 'restore'
  | 'blur'
  | 'focus'
  | 'event'
  | 'wait';

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ path: fc.nat(3) }),
  fc.constantFrom<Step>('back', 'same', 'hash', 'hide', 'show', 'restore', 'blur', 'focus', 'event', 'wait'),
);

const faults: fc.Arbitrary<Faults> = fc.record(
  {
    beacon: fc.constantFrom('missing', 'false', 'throws'),
    fetch: fc.constantFrom('rejects', 'rejects keepalive', 'throws'),
    missing: fc.subarray([...PARTS]),
    broken: fc.subarray([...PARTS]),
    storageDenied: fc.boolean(),
    noNavigationApi: fc.boolean(),
    frozenHistory: fc.boolean(),
  },
  { requiredKeys: [] },
);

const act = (page: FakePage, action: Step): void => {
  if (typeof action === 'object') page.go('pushState', `/p${action.path}`);
  else if (action === 'same')
    page.go('replaceState', page.window['location'] ? (page.window['location'] as Location).pathname : '/');
  else if (action === 'hash') page.go('replaceState', `${(page.window['location'] as Location).pathname}#x`);
  else if (action === 'back') page.back();
  else if (action === 'hide') page.setVisibility('hidden');
  else if (action === 'show') page.setVisibility('visible');
  else if (action === 'restore') page.leaveAndRestore();
  else if (action === 'blur') page.focus(false);
  else if (action === 'focus') page.focus(true);
  else if (action === 'event') page.track('event', { props: { a: 1 } });
  else page.now += 1700;
};

describe.each(BUILDS)('%s', (build) => {
  it('never throws into the page and never counts a view twice', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 25 }),
        faults,
        fc.boolean(),
        async (steps, wrong, hidden) => {
          const page = new FakePage({ build, hidden, ...wrong });
          // The full build also tries a plain fetch.
          const fetchFails = wrong.fetch && !(wrong.fetch === 'rejects keepalive' && build === 'a.full.js');
          const silent = fetchFails && wrong.beacon !== undefined;
          let path = hidden ? '' : '/';
          let expected = hidden ? 0 : 1;
          for (const action of steps) {
            const here = (): string => (page.window['location'] as Location).pathname;
            act(page, action);
            // The model: a view begins when a new path is visible.
            if (action === 'restore') path = '';
            if (page.visibility === 'visible' && here() !== path) {
              path = here();
              expected++;
            }
          }
          await new Promise((resolve) => setImmediate(resolve));
          expect(page.errors).toEqual([]);
          const ids = page.beacons.map(({ id }) => id);
          expect(new Set(ids).size).toBe(ids.length);
          for (const beacon of page.beacons) expect([...schema.Errors(beacon)]).toEqual([]);
          // An old engine with a frozen history reports no new path.
          const deaf = wrong.frozenHistory && wrong.noNavigationApi;
          if (!wrong.fetch && !deaf) expect(page.views).toHaveLength(expected);
          if (silent) expect(page.sent).toEqual([]);
        },
      ),
      { numRuns: 150 },
    );
  });
});
