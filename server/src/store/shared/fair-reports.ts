import type { AskedReports, Asker } from '../contract/store.ts';
import type { FairQueue } from './fair-queue.ts';

/** The asker of questions that no request asks. */
const INSTANCE: Asker = { asker: 'instance' };

const NEVER = new AbortController().signal;

/** Returns an engine's reports, whose questions end soon after the signal aborts. */
export type ReportsUntil = (signal: AbortSignal) => AskedReports;

/** The reports of an engine, which askers share. */
export class FairReports implements AskedReports {
  readonly #queue: FairQueue;
  readonly #until: ReportsUntil;
  readonly #by: Asker;

  constructor(queue: FairQueue, until: ReportsUntil, by: Asker = INSTANCE) {
    this.#queue = queue;
    this.#until = until;
    this.#by = by;
  }

  askedBy(asker: Asker): AskedReports {
    return new FairReports(this.#queue, this.#until, asker);
  }

  totals: AskedReports['totals'] = (scope) => this.#ask((reports) => reports.totals(scope));
  series: AskedReports['series'] = (scope, boundariesMs) =>
    this.#ask((reports) => reports.series(scope, boundariesMs));
  seriesBySite: AskedReports['seriesBySite'] = (scope, boundariesMs) =>
    this.#ask((reports) => reports.seriesBySite(scope, boundariesMs));
  breakdown: AskedReports['breakdown'] = (scope, by, options) =>
    this.#ask((reports) => reports.breakdown(scope, by, options));
  views: AskedReports['views'] = (scope, by, options) =>
    this.#ask((reports) => reports.views(scope, by, options));
  revenue: AskedReports['revenue'] = (scope, boundariesMs) =>
    this.#ask((reports) => reports.revenue(scope, boundariesMs));
  revenueBy: AskedReports['revenueBy'] = (scope, by, values) =>
    this.#ask((reports) => reports.revenueBy(scope, by, values));
  goals: AskedReports['goals'] = (scope, goals) => this.#ask((reports) => reports.goals(scope, goals));
  funnel: AskedReports['funnel'] = (scope, steps, by, options) =>
    this.#ask((reports) => reports.funnel(scope, steps, by, options));
  journeys: AskedReports['journeys'] = (scope, page, limit) =>
    this.#ask((reports) => reports.journeys(scope, page, limit));
  properties: AskedReports['properties'] = (scope, limit) =>
    this.#ask((reports) => reports.properties(scope, limit));
  /** Answered at once: it costs less than to wait for a turn behind the questions of others. */
  eventsSince: AskedReports['eventsSince'] = (scope) =>
    this.#until(this.#by.signal ?? NEVER).eventsSince(scope);
  listActivity: AskedReports['listActivity'] = (scope, options) =>
    this.#ask((reports) => reports.listActivity(scope, options));
  realtime: AskedReports['realtime'] = (siteId, sinceMs) =>
    this.#ask((reports) => reports.realtime(siteId, sinceMs));

  #ask<T>(question: (reports: AskedReports) => Promise<T>): Promise<T> {
    return this.#queue.run(this.#by, (signal) => question(this.#until(signal)));
  }
}
