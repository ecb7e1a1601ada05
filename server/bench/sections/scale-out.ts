import { setTimeout as pause } from 'node:timers/promises';
import { newAccountId, newSiteId, newSiteKey } from '../../src/domain/keys.ts';
import { newToken } from '../../src/domain/tokens.ts';
import { inspect } from '../../src/store/offline/inspect.ts';
import { openShared } from '../../src/store/open.ts';
import type { BurstSpec, Template } from '../support/burst.ts';
import { addOwners, createFiles, type Site, totals } from '../support/data.ts';
import { type Engines, hasEngines, startEngines } from '../support/engines.ts';
import { cpuTimes } from '../support/os.ts';
import { type Program, startOurs } from '../support/program.ts';
import type { Options, Report } from '../support/report.ts';
import { cpuMicros, describe, interleave, rate, ratios } from '../support/rounds.ts';
import { Scope } from '../support/scope.ts';
import { median, percentile, spread } from '../support/stats.ts';
import { beacons } from '../support/traffic.ts';

/**
 * Compares a collector that ships to ClickHouse and PostgreSQL with the embedded one under the same load. Also measures how
 * long after its acknowledgement an event is in the databases, and what a million events cost in all of them. Databases and
 * load run on the same machine: CPU per event is valid for any machine, requests per second only for this one.
 */

const EMBEDDED = 'embedded';
const SHIPPED = 'shipping';
const CONNECTIONS = 64;
const TEMPLATES = 5_000;
const WARM_UP = 10_000;
const WARM_UP_MS = 5_000;
/** Requests per second, far below the capacity of a collector, so that shipping is measured. */
const STEADY_RATE = 500;
/** Few connections, so that the server closes none as idle. */
const STEADY_CONNECTIONS = 4;
const LOOK_MS = 50;
const DRAIN_DEADLINE_MS = 60_000;
const METRICS_TOKEN = 'token-of-the-benchmark';
const UNBOUNDED = Number.MAX_SAFE_INTEGER;
const MILLION = 1_000_000;

interface Contender {
  name: string;
  program: Program;
  templates: Template[];
  acknowledged: number;
}

export async function scaleOut(report: Report, { quick, checkout }: Options): Promise<void> {
  report.title('scale-out: a collector that ships to ClickHouse and PostgreSQL');
  if (!hasEngines()) {
    report.line('  left out: it needs PostgreSQL and ClickHouse of Debian on this machine');
    return;
  }
  await Scope.run(async (scope) => {
    const engines = await startEngines(await scope.folder());
    try {
      await measure(report, { quick, checkout }, { scope, engines });
    } finally {
      await scope.stopPrograms();
      await engines.stop();
    }
  });
}

async function measure(
  report: Report,
  { quick, checkout }: Options,
  { scope, engines }: { scope: Scope; engines: Engines },
): Promise<void> {
  const [embeddedFolder, shippingFolder] = [await scope.folder(), await scope.folder()];
  await createFiles(checkout, embeddedFolder);
  const [owner] = addOwners(embeddedFolder, [1]);
  const site = await addSite(engines, shippingFolder);
  const embedded: Contender = {
    name: EMBEDDED,
    program: await scope.program(startOurs(checkout, embeddedFolder, { placement: 'one core' })),
    templates: beacons(owner?.sites ?? [], TEMPLATES),
    acknowledged: 0,
  };
  const shipping: Contender = {
    name: SHIPPED,
    program: await scope.program(
      startOurs(checkout, shippingFolder, {
        placement: 'one core',
        settings: {
          DATABASE_URL: engines.databases.postgres,
          CLICKHOUSE_URL: engines.databases.clickhouse,
          SECRET_KEY: newToken(),
          METRICS_TOKEN,
        },
      }),
    ),
    templates: beacons([site], TEMPLATES),
    acknowledged: 0,
  };
  const contenders = [embedded, shipping];
  const burst = async (contender: Contender, spec: Partial<BurstSpec>) => {
    const result = await scope.load.burst({
      port: contender.program.port,
      pid: contender.program.pid,
      connections: CONNECTIONS,
      preloadMs: 500,
      measuredMs: quick ? 2_000 : 4_000,
      maxRequests: UNBOUNDED,
      rate: null,
      templates: contender.templates,
      idPrefix: '',
      expectedStatus: 202,
      expectedHead: 'x-attractos-outcome: stored',
      ...spec,
    });
    contender.acknowledged += result.answered;
    return result;
  };

  for (const contender of contenders)
    await burst(contender, { idPrefix: 'w-', maxRequests: WARM_UP, measuredMs: WARM_UP_MS });
  await drained(shipping.program);
  const before = await costs(engines, shipping.program);
  const countedBefore = shipping.acknowledged;
  const rounds = await interleave(
    quick ? 3 : 6,
    contenders.map((contender) => ({
      name: contender.name,
      burst: (round: number) => burst(contender, { idPrefix: `r${round}-` }),
    })),
  );
  await drained(shipping.program);
  const after = await costs(engines, shipping.program);
  for (const { name } of contenders) report.line(describe(rounds, name));
  report.line(
    `  CPU per event, ${SHIPPED} : ${EMBEDDED}  ${spread(ratios(rounds, [SHIPPED, EMBEDDED], cpuMicros))}`,
  );
  report.line(`  requests/s, ${SHIPPED} : ${EMBEDDED}  ${spread(ratios(rounds, [SHIPPED, EMBEDDED], rate))}`);

  const events = shipping.acknowledged - countedBefore;
  const perMillion = (ms: number) => `${((ms / 1000) * (MILLION / events)).toFixed(1)} s`;
  report.line(
    `  CPU of a million events shipped (of ${events}): collector ${perMillion(after.collector - before.collector)}, ` +
      `ClickHouse ${perMillion(after.clickhouse - before.clickhouse)}, PostgreSQL ${perMillion(after.postgres - before.postgres)}`,
  );

  await steadyLag(report, {
    program: shipping.program,
    load: () =>
      burst(shipping, {
        idPrefix: 's-',
        rate: STEADY_RATE,
        connections: STEADY_CONNECTIONS,
        preloadMs: 1_000,
        measuredMs: quick ? 10_000 : 30_000,
      }),
  });
  await drained(shipping.program);
  await scope.stopPrograms();
  await reportDisk(report, engines);
  const inFolder = totals(embeddedFolder);
  report.check(
    `${EMBEDDED}: acknowledged ${embedded.acknowledged} = rows ${inFolder.rows} = counted ${inFolder.counted}`,
    inFolder.rows === embedded.acknowledged && inFolder.counted === embedded.acknowledged,
  );
  await checkShipped(report, engines, { folder: shippingFolder, acknowledged: shipping.acknowledged, site });
}

async function addSite({ databases }: Engines, dataDir: string): Promise<Site> {
  const shared = await openShared({ dataDir, databases });
  try {
    const { id: accountId } = await shared.registry.createAccount({
      ...{ id: newAccountId(), email: 'bench@example.com', plan: 'pro', billingAnchorDay: 1 },
      ...{ passwordHash: 'none', createdAtMs: Date.now() },
    });
    const site = { id: newSiteId(), domain: 'bench.example', key: newSiteKey() };
    await shared.registry.createSite({ ...site, accountId, createdAtMs: Date.now() }, null);
    return site;
  } finally {
    await shared.close();
  }
}

/** Returns the CPU time used so far, in milliseconds. */
async function costs(engines: Engines, { pid }: Program) {
  return { collector: cpuTimes(pid).process, ...engines.cpu() };
}

async function spoolOf({ port }: Program): Promise<{ entries: number; lagMs: number }> {
  const answer = await fetch(`http://127.0.0.1:${port}/metrics`, {
    headers: { authorization: `Bearer ${METRICS_TOKEN}` },
  });
  const text = await answer.text();
  const value = (name: string) => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1] ?? Number.NaN);
  return { entries: value('attractos_spool_entries'), lagMs: value('attractos_ship_lag_seconds') * 1000 };
}

async function drained(program: Program): Promise<void> {
  const start = performance.now();
  while ((await spoolOf(program)).entries !== 0) {
    if (performance.now() - start > DRAIN_DEADLINE_MS)
      throw new Error(`${(await spoolOf(program)).entries} events were not shipped in time`);
    await pause(LOOK_MS);
  }
}

/** Samples the age of the oldest event that is not in both databases, under a moderate load. */
async function steadyLag(
  report: Report,
  { program, load }: { program: Program; load: () => Promise<unknown> },
): Promise<void> {
  let running = true;
  const loading = load().finally(() => {
    running = false;
  });
  const ages: number[] = [];
  const looking = async () => {
    while (running) {
      ages.push((await spoolOf(program)).lagMs);
      await pause(LOOK_MS);
    }
  };
  await Promise.all([loading, looking()]);
  const sorted = ages.sort((a, b) => a - b);
  report.line(
    `  ship lag at ${STEADY_RATE} events/s, age of the oldest that waits: median ${median(sorted).toFixed(0)} ms, ` +
      `p99 ${percentile(sorted, 0.99).toFixed(0)} ms, n=${sorted.length}`,
  );
}

async function reportDisk(report: Report, engines: Engines): Promise<void> {
  const parts = async () =>
    (
      await engines.sql(
        "SELECT count(), sum(rows), sum(bytes_on_disk) FROM system.parts WHERE database = 'bench' AND active",
      )
    )
      .split('\t')
      .map(Number);
  const [count = 0, rows = 0, bytes = 0] = await parts();
  await engines.sql('OPTIMIZE TABLE bench.attractos_entries FINAL');
  const [, mergedRows = 0, mergedBytes = 0] = await parts();
  report.line(
    `  ClickHouse: ${rows} rows in ${count} parts, ${(bytes / rows).toFixed(0)} bytes a row; ` +
      `merged into one ${(mergedBytes / mergedRows).toFixed(0)}; PostgreSQL ${(engines.postgresBytes() / 2 ** 20).toFixed(0)} MiB`,
  );
}

async function checkShipped(
  report: Report,
  { databases, sql }: Engines,
  { folder, acknowledged, site }: { folder: string; acknowledged: number; site: Site },
): Promise<void> {
  const rows = Number(await sql("SELECT count() FROM bench.attractos_entries FINAL WHERE kind = 'event'"));
  const shared = await openShared({ dataDir: folder, databases });
  const days = { firstDay: 0, lastDay: Math.floor(Date.now() / 86_400_000) };
  const counted = (await shared.events.countBySite([site.id], days)).get(site.id);
  await shared.close();
  report.check(
    `${SHIPPED}: acknowledged ${acknowledged} = rows ${rows} = counted ${counted}`,
    rows === acknowledged && counted === acknowledged,
  );
  const { audit } = await inspect({ dataDir: folder, databases });
  report.check(
    `${SHIPPED}: the audit finds nothing`,
    audit !== null && Object.values(audit).flat().length === 0,
  );
}
