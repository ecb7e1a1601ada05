import { hash, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { BATCH_MAX_BEACONS } from '../../../tracker/wire/limits.ts';
import { newSiteKey } from '../../src/domain/keys.ts';
import { NO_SITE } from '../../src/store/contract/store.ts';
import { temporaryFolder } from '../support/paths.ts';
import { until } from '../support/poll.ts';
import { json, startProgram } from '../support/program.ts';
import { peakMib, residentMib } from './support/memory.ts';
import { addOwner, expectSound, ledgerOf, rowCounts, shownLedger } from './support/owner.ts';
import {
  beaconOf,
  connections,
  inParallel,
  OutcomeCounts,
  outcomeOf,
  outcomesOf,
  post,
} from './support/pages.ts';

/** Unknown keys are reported to the owner of the host that uses them, and otherwise counted for the operator. */

/** Limit on memory growth of a warm server during a flood, in MiB. It allows for uncollected garbage. */
const GROWTH_MAX_MIB = 96;
/** Number of hosts that the ledger lists separately per site, day and outcome, including `other`. */
const LEDGER_HOSTS_MAX = 101;

const mistyped = (key: string) => key.slice(0, -1) + (key.endsWith('a') ? 'b' : 'a');

describe('an unknown key', () => {
  it('reports an unknown key to every owner of the host, by their rules, and to no one else', async () => {
    const dataDir = await temporaryFolder();
    const [first, second, bystander] = [
      await addOwner(dataDir, 'example.com', 'xn--bcher-kva.example'),
      await addOwner(dataDir, 'example.com'),
      await addOwner(dataDir, 'bystander.example'),
    ];
    const [mine, books, theirs, other] = [...first.sites, ...second.sites, ...bystander.sites];
    if (!mine || !books || !theirs || !other) throw new Error('a site is missing');
    await json(dataDir, ['site', 'rules', '--site', theirs.id, '--subdomains', 'on']);
    const { key: current } = (await json(dataDir, ['site', 'rotate-key', '--site', mine.id])) as {
      key: string;
    };
    await json(dataDir, ['site', 'retire-key', '--key', mine.key]);
    const url = await startProgram(dataDir).address;

    const expected = new Map([mine, books, theirs, other].map(({ id }) => [id, new OutcomeCounts()]));
    const nobody = new OutcomeCounts();
    const cases: { key: string; page: string; outcome: string; told: string[] }[] = [
      { key: newSiteKey(), page: 'https://example.com/', outcome: 'unknown-key', told: [mine.id, theirs.id] },
      {
        key: newSiteKey(),
        page: 'https://www.example.com./',
        outcome: 'unknown-key',
        told: [mine.id, theirs.id],
      },
      {
        key: newSiteKey(),
        page: 'https://EXAMPLE.com:8443/',
        outcome: 'unknown-key',
        told: [mine.id, theirs.id],
      },
      { key: newSiteKey(), page: 'https://shop.example.com/', outcome: 'unknown-key', told: [theirs.id] },
      { key: newSiteKey(), page: 'https://bücher.example/', outcome: 'unknown-key', told: [books.id] },
      {
        key: mistyped(current),
        page: 'https://example.com/',
        outcome: 'unknown-key',
        told: [mine.id, theirs.id],
      },
      { key: 'UA-12345-1', page: 'https://example.com/', outcome: 'missing-key', told: [mine.id, theirs.id] },
      { key: mine.key, page: 'https://example.com/', outcome: 'retired-key', told: [mine.id] },
      { key: mine.key, page: 'https://elsewhere.example/', outcome: 'retired-key', told: [mine.id] },
      { key: newSiteKey(), page: 'https://notexample.com/', outcome: 'unknown-key', told: [] },
      { key: newSiteKey(), page: 'https://example.com.evil.example/', outcome: 'unknown-key', told: [] },
      { key: newSiteKey(), page: 'https://com/', outcome: 'unknown-key', told: [] },
      { key: newSiteKey(), page: 'no address', outcome: 'unknown-key', told: [] },
      { key: mistyped(current), page: 'https://nobody.example/', outcome: 'unknown-key', told: [] },
    ];
    for (const { key, page, outcome, told } of cases) {
      const answer = await post(
        url,
        { ...beaconOf(mine), key, url: page },
        { origin: 'https://example.com' },
      );
      expect(outcomeOf(answer), page).toBe(outcome);
      expect(answer.json(), 'strangers learn nothing of whose host it is').not.toMatchObject({
        error: expect.stringContaining('example.com'),
      });
      if (told.length === 0) nobody.add(outcome);
      for (const id of told) expected.get(id)?.add(outcome);
    }
    await until(
      () => ledgerOf(dataDir, NO_SITE),
      (ledger) => ledger['unknown-key'] === nobody.of('unknown-key'),
    );
    for (const [id, { counts }] of expected) expect(await shownLedger(dataDir, id)).toEqual(counts);
    expect(ledgerOf(dataDir, NO_SITE)).toEqual(nobody.counts);
    const { lines } = (await json(dataDir, ['site', 'ledger', '--site', theirs.id])) as {
      lines: { host: string }[];
    };
    expect([...new Set(lines.map(({ host }) => host))]).toEqual([
      'example.com',
      'shop.example.com',
      'www.example.com',
    ]);
  });

  it('counts an unknown key exactly in a flood, without growing tables or memory', async () => {
    const dataDir = await temporaryFolder();
    const { sites } = await addOwner(dataDir, 'example.com');
    const [site] = sites;
    if (site === undefined) throw new Error('the site is missing');
    const program = startProgram(dataDir);
    const url = await program.address;
    const agent = connections(16);
    const answered = { nobody: new OutcomeCounts(), site: new OutcomeCounts() };

    /** Sends random keys (half with a valid checksum), ids, names, hosts and origins: everything an attacker can invent. */
    const flood = async (batches: number) => {
      await inParallel(16, Array.from({ length: batches }), async () => {
        const beacons = Array.from({ length: BATCH_MAX_BEACONS }, (_, i) => {
          const random = randomBytes(8).toString('hex');
          const key = i % 2 === 0 ? `ak_${hash('sha256', random).slice(0, 22)}` : newSiteKey();
          return {
            key,
            id: random,
            name: random,
            url: `https://${random}.example/${random}`,
            props: { [random]: random },
          };
        });
        const answer = await post(url, beacons, {
          agent,
          origin: `https://${randomBytes(6).toString('hex')}.example`,
        });
        for (const outcome of outcomesOf(answer)) answered.nobody.add(outcome);
      });
      await inParallel(16, Array.from({ length: batches }), async (_, i) => {
        const random = randomBytes(8).toString('hex');
        // The public key of a real site, copied into other people's pages.
        const page = i % 2 === 0 ? { url: `https://${random}.example/` } : {};
        const answer = await post(url, beaconOf(site, { id: random, ...page }), {
          agent,
          origin: i % 4 < 2 ? `https://${random}.test` : `x-${random}://${random.repeat(20)}`,
        });
        answered.site.add(outcomeOf(answer));
      });
    };
    const settled = () =>
      until(
        () => [ledgerOf(dataDir, NO_SITE), ledgerOf(dataDir, site.id)],
        ([nobody, its]) =>
          nobody?.['unknown-key'] === answered.nobody.of('unknown-key') &&
          its?.['wrong-domain'] === answered.site.of('wrong-domain'),
      );

    // Continues until the ledger lists as many hosts as it ever will; each commit adds some.
    let rows = rowCounts(dataDir);
    for (let lines = -1, tries = 0; lines !== rows.ledger && tries < 20; tries++) {
      lines = rows.ledger ?? 0;
      await flood(150);
      await settled();
      rows = rowCounts(dataDir);
    }
    const before = { nobody: answered.nobody.total, site: answered.site.total };
    const warmMib = residentMib(program.pid) ?? 0;
    const peak = await peakMib(program.pid, () => flood(1_200));
    await settled();

    expect(answered.nobody.counts).toEqual({ 'unknown-key': before.nobody + 1_200 * BATCH_MAX_BEACONS });
    expect(answered.site.counts).toEqual({ 'wrong-domain': before.site + 1_200 });
    expect(rowCounts(dataDir), 'the second flood added no row').toEqual(rows);
    expect(rows).toMatchObject({ events: 0, seen: 0, leaves: 0, bots: 0, counters: 0, key_use: 1, sites: 2 });
    expect(rows.ledger, 'one line without a site, and those of the site').toBeLessThanOrEqual(
      LEDGER_HOSTS_MAX + 1,
    );
    expect(rows.texts, 'outcomes, hosts and none').toBeLessThanOrEqual(LEDGER_HOSTS_MAX + 3);
    expect(peak - warmMib, 'MiB more than before the second flood').toBeLessThan(GROWTH_MAX_MIB);
    await expectSound(dataDir);
  });
});
