import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { utcDay } from '../../src/domain/clock.ts';
import { dayTexts, openEmbedded } from '../support/days.ts';
import { makeFolder, temporaryFolder } from '../support/paths.ts';
import { until } from '../support/poll.ts';
import { json } from '../support/program.ts';
import { canFailDisks, faultyDisk } from './support/faulty-disk.ts';
import {
  ADDRESSES,
  AGENT,
  everything,
  goEveryWay,
  goToTheDashboard,
  MARKS,
  OWNER,
  prepare,
  type Scene,
  starter,
  visitor,
} from './support/marked-visitor.ts';
import { allFiles, findMarks } from './support/marks.ts';
import { expectSound, ledgerOf, rowCounts } from './support/owner.ts';
import { beaconOf, outcomeOf, post } from './support/pages.ts';

/** No personal data at rest: a marked address and user agent take every path through the server and are never stored. */

const LEVELS = ['silent', 'fatal', 'error', 'warn', 'info', 'debug', 'trace'] as const;

/** A data folder that is prepared once, and copied for each test. */
let prepared: { folder: Awaited<ReturnType<typeof makeFolder>>; scene: Omit<Scene, 'url'> };

beforeAll(async () => {
  const folder = await makeFolder();
  prepared = { folder, scene: await prepare(folder.path) };
});
afterAll(() => prepared.folder.remove());

async function stage(settings: Record<string, string>) {
  const dataDir = await temporaryFolder();
  cpSync(prepared.folder.path, dataDir, { recursive: true });
  return { dataDir, ...prepared.scene, start: starter(dataDir, settings) };
}

describe('the search for personal data', () => {
  it('finds a mark in any encoding', () => {
    const written = {
      plain: Buffer.from(`x${AGENT}x`),
      utf16: Buffer.from(`x${AGENT}x`, 'utf16le'),
      hex: Buffer.from(Buffer.from(`x${AGENT}x`).toString('hex')),
      ...Object.fromEntries(
        ['', 'x', 'xx', 'xxx'].map((before) => [
          `base64 after ${before.length}`,
          Buffer.from(Buffer.from(`${before}${AGENT}xyz`).toString('base64')),
        ]),
      ),
    };
    for (const [how, bytes] of Object.entries(written))
      expect(findMarks({ mark: AGENT }, { [how]: bytes }), how).not.toEqual([]);
    expect(findMarks(MARKS, { nothing: Buffer.from('Mozilla/5.0 198.51 2001:db8 Visitor') })).toEqual([]);
  });
});

describe('a visitor’s address and user agent', () => {
  it.each(LEVELS)('keeps no trace of a visitor after any kind of request, at log level %s', async (level) => {
    const { dataDir, start, ...scene } = await stage({
      LOG_LEVEL: level,
      SITE_RATE: '0.01',
      SITE_BURST: '40',
    });
    const { program, url } = await start();
    const reached = await goEveryWay({ url, ...scene });
    await goToTheDashboard(url, OWNER);
    expect([...reached].sort()).toEqual(
      [
        ...[
          'stored',
          'duplicate',
          'bot',
          'malformed',
          'too-large',
          'media-type',
          'unknown-key',
          'retired-key',
        ],
        ...['rate-limited', 'wrong-domain', 'local-host'],
      ].sort(),
    );
    await until(
      () => ledgerOf(dataDir, scene.site.id),
      (ledger) => (ledger['local-host'] ?? 0) === ADDRESSES.length,
    );
    expect(findMarks(MARKS, everything(dataDir, program)), 'while it runs').toEqual([]);
    // The server did use them: on each of two sites, two addresses are two visitors. The search also finds what may be stored.
    expect(rowCounts(dataDir).visits).toBe(ADDRESSES.length * 2);
    expect(findMarks({ path: '/event-' }, allFiles(dataDir))).not.toEqual([]);
    program.kill('SIGTERM');
    expect(await program.exit).toEqual({ code: 0, signal: null });
    expect(findMarks(MARKS, everything(dataDir, program)), 'after its end').toEqual([]);
  });

  it('leaves no address or user agent in a file after a kill and a restart, or in a backup', async () => {
    const { dataDir, start, ...scene } = await stage({ LOG_LEVEL: 'trace' });
    const first = await start();
    const going = goEveryWay({ url: first.url, ...scene }).catch(() => undefined);
    await until(
      () => ledgerOf(dataDir, scene.site.id),
      (ledger) => (ledger.stored ?? 0) > 2,
    );
    first.program.kill('SIGKILL');
    await Promise.all([going, first.program.exit]);
    expect(findMarks(MARKS, everything(dataDir, first.program)), 'as the kill left it').toEqual([]);

    const second = await start();
    await goEveryWay({ url: second.url, ...scene });
    const file = join(await temporaryFolder(), 'backup.db');
    await json(dataDir, ['backup', file]);
    expect(
      findMarks(MARKS, { ...everything(dataDir, second.program), ...allFiles(join(file, '..')) }),
    ).toEqual([]);
    await expectSound(dataDir);
  });

  it('leaves no address or user agent in files of days', async () => {
    const { dataDir, start, ...scene } = await stage({ LOG_LEVEL: 'silent' });
    const { program, url } = await start();
    await goEveryWay({ url, ...scene });
    program.kill('SIGTERM');
    await program.exit;
    const store = await openEmbedded(dataDir);
    const tomorrow = utcDay(Date.now()) + 1;
    expect(await store.reports.sealDaysBefore(tomorrow)).toBeGreaterThan(0);
    expect(await store.reports.archiveDaysBefore?.(tomorrow)).toBe(tomorrow);
    await store.close();
    // Parquet files are compressed, so their rows are searched, too.
    const cells = await dayTexts(dataDir);
    expect(findMarks({ path: '/event-' }, cells)).not.toEqual([]);
    expect(findMarks(MARKS, { ...allFiles(dataDir), ...cells })).toEqual([]);
  });

  it.runIf(canFailDisks)('keeps no address or user agent after disk errors', async () => {
    const disk = await faultyDisk();
    const { dataDir, start, ...scene } = await stage({ LOG_LEVEL: 'trace', ...disk.settings });
    const { program, url } = await start();
    const send = () => post(url, beaconOf(scene.site), { headers: visitor(0) });
    expect(outcomeOf(await send())).toBe('stored');
    disk.fail('write', 'ENOSPC', 'events.db-wal', 'events.db');
    expect(outcomeOf(await send())).toBe('unavailable');
    expect(findMarks(MARKS, everything(dataDir, program))).toEqual([]);
    disk.heal();
    await until(
      async () => outcomeOf(await send()),
      (outcome) => outcome === 'stored',
    );
    disk.fail('sync', 'EIO', 'events.db-wal');
    await send().catch(() => undefined);
    expect(await program.exit).toEqual({ code: 1, signal: null });
    expect(findMarks(MARKS, everything(dataDir, program))).toEqual([]);
  });
});
