import fc from 'fast-check';
import { BATCH_MAX_BYTES, BEACON_MAX_BYTES } from '../../../../tracker/wire/limits.ts';
import { newSiteKey } from '../../../src/domain/keys.ts';
import { NO_SITE, type Site } from '../../../src/store/contract/store.ts';
import { BROWSER } from '../../support/world.ts';
import { beaconOf } from './pages.ts';

/** Requests for every outcome of a beacon, and the ledger that must contain it. */

const CRAWLER = 'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)';

export interface Sending {
  body: string;
  headers: Record<string, string>;
  /** For each beacon of the request, in order: the ledger that counts it, or null if no ledger does. */
  ledgers: (string | null)[];
  /** For each beacon, in order: the expected outcome, unless the site's rate limit is exceeded. */
  expected: string[];
}

export interface Scene {
  /** Sites that send events. */
  sites: readonly Site[];
  /** A retired key, and the site it belonged to. */
  retired: { key: string; site: Site };
  /** Events that are stored already, to be sent again. */
  known: readonly { site: Site; beacon: Record<string, unknown> }[];
}

type Maker = (scene: Scene, site: Site, pick: number) => Sending;

function sending(
  body: unknown,
  ledgers: (string | null)[],
  expected: string[],
  headers: Record<string, string> = {},
): Sending {
  return {
    body: typeof body === 'string' ? body : JSON.stringify(body),
    headers: { 'user-agent': BROWSER, 'content-type': 'text/plain;charset=UTF-8', ...headers },
    ledgers,
    expected,
  };
}

const from = (host: string) => ({ origin: `https://${host}` });

/** Returns a key in our format with a wrong checksum. */
function mistyped(key: string): string {
  return key.slice(0, -1) + (key.endsWith('a') ? 'b' : 'a');
}

/** What a page may send, by expected outcome. */
export const MAKERS: Readonly<Record<string, Maker>> = {
  event: (_, site) => sending(beaconOf(site), [site.id], ['stored'], from(site.domain)),
  'event without an id': (_, site) =>
    sending({ ...beaconOf(site), id: undefined }, [site.id], ['stored'], from(site.domain)),
  'event without an origin': (_, site) => sending(beaconOf(site), [site.id], ['stored']),
  'conversion of the twin': (_, site) =>
    sending(
      beaconOf(site, { url: `https://www.${site.domain}/x`, name: 'Sign up', value: 3, currency: 'EUR' }),
      [site.id],
      ['stored'],
      from(`www.${site.domain}`),
    ),
  'event sent again': ({ known }, _, pick) => {
    const again = known[pick % known.length];
    if (again === undefined) throw new Error('nothing is known yet');
    return sending(again.beacon, [again.site.id], ['duplicate'], from(again.site.domain));
  },
  crawler: (_, site) =>
    sending(beaconOf(site), [site.id], ['bot'], { ...from(site.domain), 'user-agent': CRAWLER }),
  'no user agent': (_, site) =>
    sending(beaconOf(site), [site.id], ['bot'], { ...from(site.domain), 'user-agent': '' }),
  'page of another host': (_, site) =>
    sending(beaconOf(site, { url: 'https://copy.example/' }), [site.id], ['wrong-domain'], from(site.domain)),
  'origin of another host': (_, site, pick) =>
    sending(beaconOf(site), [site.id], ['wrong-domain'], from(`copy${pick % 300}.example`)),
  'local page': (_, site) =>
    sending(beaconOf(site, { url: 'http://localhost:3000/' }), [site.id], ['local-host'], {
      origin: 'http://localhost:3000',
    }),
  'wrong type of a field': (_, site) =>
    sending(beaconOf(site, { name: 7 }), [site.id], ['malformed'], from(site.domain)),
  'address of a file': (_, site) =>
    sending(beaconOf(site, { url: 'file:///etc/passwd' }), [site.id], ['malformed'], from(site.domain)),
  'too large an event': (_, site) =>
    sending(
      beaconOf(site, { more: 'x'.repeat(BEACON_MAX_BYTES) }),
      [site.id],
      ['too-large'],
      from(site.domain),
    ),
  'retired key': ({ retired }) =>
    sending(
      beaconOf({ ...retired.site, key: retired.key }),
      [retired.site.id],
      ['retired-key'],
      from(retired.site.domain),
    ),
  'mistyped key on a registered host': (_, site) =>
    sending(beaconOf({ ...site, key: mistyped(site.key) }), [site.id], ['unknown-key'], from(site.domain)),
  'invented key on a registered host': (_, site) =>
    sending(beaconOf({ ...site, key: newSiteKey() }), [site.id], ['unknown-key'], from(site.domain)),
  'invented key from elsewhere': () =>
    sending(
      beaconOf({ key: newSiteKey(), domain: 'nobody.example' }),
      [NO_SITE],
      ['unknown-key'],
      from('nobody.example'),
    ),
  'not JSON': () => sending('{"key":', [NO_SITE], ['malformed']),
  'not JSON from a registered host': (_, site) =>
    sending('{"key":', [site.id], ['malformed'], from(site.domain)),
  'no key on a registered host': (_, site) =>
    sending({ ...beaconOf(site), key: undefined }, [site.id], ['missing-key'], from(site.domain)),
  'no key from elsewhere': () => sending({ url: 'https://nobody.example/' }, [NO_SITE], ['missing-key']),
  'no body': () => sending('', [NO_SITE], ['malformed']),
  'empty batch': () => sending([], [NO_SITE], ['malformed']),
  'batch of a batch': () => sending([[]], [NO_SITE], ['malformed']),
  'too large a body': () => sending('x'.repeat(BATCH_MAX_BYTES + 1), [NO_SITE], ['too-large']),
  'odd content type': (_, site) =>
    sending(beaconOf(site), [NO_SITE], ['media-type'], { 'content-type': 'application/xml' }),
  leave: (_, site) =>
    sending(
      beaconOf(site, { name: 'leave', engaged: 1000, scroll: 50 }),
      [null],
      ['stored'],
      from(site.domain),
    ),
  'leave of another host': (_, site) =>
    sending(beaconOf(site, { name: 'leave' }), [null], ['wrong-domain'], from('copy.example')),
  'leave of a crawler': (_, site) =>
    sending(beaconOf(site, { name: 'leave' }), [null], ['bot'], {
      ...from(site.domain),
      'user-agent': CRAWLER,
    }),
  'batch with some of each': (_, site) => {
    const twice = beaconOf(site);
    return sending(
      [
        beaconOf(site),
        twice,
        twice,
        beaconOf(site, { url: 'https://copy.example/' }),
        { ...beaconOf(site), key: newSiteKey(), url: 'https://nobody.example/' },
        beaconOf(site, { name: 'leave' }),
        17,
      ],
      [site.id, site.id, site.id, site.id, NO_SITE, null, NO_SITE],
      ['stored', 'stored', 'duplicate', 'wrong-domain', 'unknown-key', 'stored', 'malformed'],
      from(site.domain),
    );
  },
  'batch of which nothing is kept': (_, site) =>
    sending(
      [beaconOf(site, { url: 'https://copy.example/' }), beaconOf(site, { url: 'http://127.0.0.1/' })],
      [site.id, site.id],
      ['wrong-domain', 'local-host'],
      from(site.domain),
    ),
};

/** Generates requests of every kind in any order, for the sites of a scene. */
export function mix(scene: Scene, size: number): fc.Arbitrary<Sending[]> {
  const one = fc
    .tuple(fc.constantFrom(...Object.keys(MAKERS)), fc.nat(scene.sites.length - 1), fc.nat(1_000_000))
    .map(([kind, at, pick]) => {
      const [maker, site] = [MAKERS[kind], scene.sites[at]];
      if (maker === undefined || site === undefined) throw new Error('no such kind or site');
      return maker(scene, site, pick);
    });
  return fc.array(one, { minLength: size, maxLength: size });
}
