import { type AskedReports, type Audit, type Reports, StoreUnavailable } from '../../contract/store.ts';
import type { Server } from '../../drivers/clickhouse.ts';
import { SqlReports } from '../../reports/reports.ts';
import { FairQueue } from '../../shared/fair-queue.ts';
import { FairReports } from '../../shared/fair-reports.ts';
import type { Generations } from '../generations.ts';
import type { SiteDay, WarehouseReports } from '../shipping.ts';
import { dayKey, ensureDayTables, tooOldForReports } from '../warehouse/day-tables.ts';
import type { OnServer } from '../warehouse/replicas.ts';
import { listActivity, realtime } from './activity.ts';
import { auditGenerations } from './audit.ts';
import { FoundGenerations, GenerationEngine, GenerationMissing } from './generation-engine.ts';
import { deleteLeftovers, makeOpenDay, sealDays } from './sealing.ts';

/** Questions that a server's process has answered at once. The rest of the connections are for other readers. */
const QUESTIONS = { atOnce: 8, atOncePerParty: 4 } as const;

/** Answers reports in ClickHouse, and lets askers take turns. */
export class ClickHouseReports extends FairReports implements WarehouseReports {
  readonly #answers: Answers;

  constructor(on: OnServer, generations: Generations) {
    const answers = new Answers(on, generations);
    super(new FairQueue(QUESTIONS), (signal) => answers.until(signal));
    this.#answers = answers;
  }

  sealDaysBefore: Reports['sealDaysBefore'] = (beforeDay, signal) =>
    this.#answers.sealDaysBefore(beforeDay, signal);
  audit: WarehouseReports['audit'] = () => this.#answers.audit();
}

/**
 * Answers from generations of days that are over, and from the entries of days that are open. A visit's events follow each other
 * by time of receipt, also where the clock of a collector stepped back. Lists of single events need no more than entries.
 */
class Answers {
  readonly #on: OnServer;
  readonly #generations: Generations;
  readonly #found = new FoundGenerations();
  /** Large open days that are being made, by `dayKey`. */
  readonly #making = new Map<string, Promise<void>>();
  /** Whether a server can answer reports, and has the tables for it: pending or complete. */
  readonly #prepared = new WeakMap<Server, Promise<string | null>>();

  constructor(on: OnServer, generations: Generations) {
    this.#on = on;
    this.#generations = generations;
  }

  /** Returns the reports, whose queries are canceled when the signal aborts. */
  until(signal: AbortSignal): AskedReports {
    return {
      totals: (scope) => this.#ask((reports) => reports.totals(scope), signal),
      series: (scope, boundariesMs) => this.#ask((reports) => reports.series(scope, boundariesMs), signal),
      seriesBySite: (scope, boundariesMs) =>
        this.#ask((reports) => reports.seriesBySite(scope, boundariesMs), signal),
      breakdown: (scope, by, options) =>
        this.#ask((reports) => reports.breakdown(scope, by, options), signal),
      views: (scope, by, options) => this.#ask((reports) => reports.views(scope, by, options), signal),
      revenue: (scope, boundariesMs) => this.#ask((reports) => reports.revenue(scope, boundariesMs), signal),
      revenueBy: (scope, by, values) => this.#ask((reports) => reports.revenueBy(scope, by, values), signal),
      goals: (scope, goals) => this.#ask((reports) => reports.goals(scope, goals), signal),
      funnel: (scope, steps, by, options) =>
        this.#ask((reports) => reports.funnel(scope, steps, by, options), signal),
      journeys: (scope, page, limit) => this.#ask((reports) => reports.journeys(scope, page, limit), signal),
      properties: (scope, limit) => this.#ask((reports) => reports.properties(scope, limit), signal),
      // Reports of a day end when its events are deleted.
      eventsSince: async () => null,
      listActivity: (scope, options) =>
        this.#on((server) => listActivity(server.until(signal), scope, options)),
      realtime: (siteId, sinceMs) => this.#on((server) => realtime(server.until(signal), siteId, sinceMs)),
    };
  }

  async sealDaysBefore(beforeDay: number, signal?: AbortSignal): Promise<number> {
    // The same server for all, since it must have the rows that were just inserted.
    const server = await this.#on(async (any) => ((await this.#prepare(any)) === null ? any : null));
    if (server === null) return 0;
    await deleteLeftovers(server, this.#generations, signal);
    return sealDays(server, this.#generations, { beforeDay, signal });
  }

  audit(): Promise<Audit['rollups']> {
    return auditGenerations(this.#onPrepared, this.#generations);
  }

  /** Asks a question. Days whose generation no server has are opened. */
  async #ask<T>(question: (reports: SqlReports) => Promise<T>, signal: AbortSignal): Promise<T> {
    const [on, generations, found] = [this.#onPrepared, this.#generations, this.#found];
    const makeOpenDay = (day: SiteDay) => this.#makeOpenDay(day);
    const answer = () =>
      question(new SqlReports(new GenerationEngine({ on, generations, found, makeOpenDay, signal })));
    try {
      return await answer();
    } catch (error) {
      if (!(error instanceof GenerationMissing)) throw error;
      await this.#generations.reopen(error.days);
      return answer();
    }
  }

  /** Makes a generation of a large open day, once for all questions that wait for it. */
  #makeOpenDay(day: SiteDay): Promise<void> {
    const name = dayKey(day);
    let making = this.#making.get(name);
    if (making === undefined) {
      making = this.#onPrepared((server) => makeOpenDay(server, this.#generations, day)).finally(() =>
        this.#making.delete(name),
      );
      this.#making.set(name, making);
    }
    return making;
  }

  readonly #onPrepared: OnServer = (work) =>
    this.#on(async (server) => {
      const refusal = await this.#prepare(server);
      if (refusal !== null) throw new StoreUnavailable(`ClickHouse: ${refusal}`);
      return work(server);
    });

  /** @returns why the server cannot answer reports; null if it can */
  #prepare(server: Server): Promise<string | null> {
    let prepared = this.#prepared.get(server);
    if (prepared === undefined) {
      prepared = prepare(server).catch((error: unknown) => {
        this.#prepared.delete(server);
        throw error;
      });
      this.#prepared.set(server, prepared);
    }
    return prepared;
  }
}

async function prepare(server: Server): Promise<string | null> {
  const refusal = await tooOldForReports(server);
  if (refusal === null) await ensureDayTables(server);
  return refusal;
}
