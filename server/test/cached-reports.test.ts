import { describe, expect, it, onTestFinished } from 'vitest';
import { recordNothing } from '../src/app/security-log.ts';
import { createShare } from '../src/app/shares.ts';
import type { ReportData } from '../src/dashboard/report/data.ts';
import { CachedReports } from '../src/dashboard/share/cached-reports.ts';
import { TestClock } from './support/clock.ts';
import { event } from './support/entries.ts';
import { World } from './support/world.ts';

/** A report that is computed when the test says so. */
class Computing {
  readonly signals: AbortSignal[] = [];
  #end: (report: ReportData) => void = () => undefined;

  load = (signal: AbortSignal): Promise<ReportData> => {
    this.signals.push(signal);
    return new Promise((resolve, reject) => {
      this.#end = resolve;
      signal.addEventListener('abort', () => reject(signal.reason));
    });
  };

  end(): void {
    this.#end({} as ReportData); // nobody reads it
  }
}

describe('the report of a public link', () => {
  it('is shown for ten seconds, and only for the same link and query', async () => {
    const world = await World.open();
    onTestFinished(() => world.close());
    const server = await world.serve();
    const { site } = await world.addOwner();
    const context = { registry: world.store.registry, clock: world.clock, record: recordNothing };
    const { path } = await createShare(context, site, { name: 'Public', password: '', days: '' });
    const pagesOf = async (query: string) => {
      const { text } = await server.ask({ path: `${path}${query}` });
      return [/as of ([\d:]+)/.exec(text)?.[1], ['/one', '/two'].filter((page) => text.includes(page))];
    };
    const append = (page: string) =>
      world.store.events.append(
        event({ siteId: site.id, id: page, path: page, receivedAtMs: world.clock.now() }),
      );
    await append('/one');
    world.clock.advance(1);
    expect(await pagesOf('')).toEqual(['12:00:00', ['/one']]);
    await append('/two');
    world.clock.advance(9_999);
    expect(await pagesOf('')).toEqual(['12:00:00', ['/one']]);
    expect(await pagesOf('?range=7d')).toEqual(['12:00:10', ['/one', '/two']]);
    world.clock.advance(1);
    expect(await pagesOf('')).toEqual(['12:00:10', ['/one', '/two']]);
  });

  it('is computed on while one of its readers is left, and interrupted after that', async () => {
    const reports = new CachedReports(new TestClock());
    const [computing, first, second] = [new Computing(), new AbortController(), new AbortController()];
    const both = [first, second].map(({ signal }) =>
      reports.read('link', signal, computing.load).catch((error: unknown) => error),
    );
    first.abort('gone');
    expect(computing.signals.map(({ aborted }) => aborted)).toEqual([false]);
    second.abort('gone, too');
    expect(computing.signals.map(({ aborted }) => aborted)).toEqual([true]);
    expect(await Promise.all(both)).toEqual(['gone, too', 'gone, too']);
    const again = reports.read('link', new AbortController().signal, computing.load);
    computing.end();
    expect(await again).toEqual({});
    expect(computing.signals).toHaveLength(2);
  });

  it('is not computed for a reader who has gone', async () => {
    const reports = new CachedReports(new TestClock());
    const computing = new Computing();
    const read = reports.read('link', AbortSignal.abort('gone'), computing.load);
    computing.end();
    await expect(read).rejects.toBe('gone');
    expect(computing.signals).toHaveLength(0);
  });

  it('is computed again after an error', async () => {
    const reports = new CachedReports(new TestClock());
    const { signal } = new AbortController();
    const failing = () => Promise.reject(new Error('busy'));
    await expect(reports.read('link', signal, failing)).rejects.toThrow('busy');
    expect(await reports.read('link', signal, () => Promise.resolve({} as ReportData))).toEqual({});
  });
});
