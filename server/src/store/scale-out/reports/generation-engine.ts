import { MINUTE_MS } from '../../../domain/clock.ts';
import { StoreUnavailable } from '../../contract/store.ts';
import type { Server } from '../../drivers/clickhouse.ts';
import type { StoredDay } from '../../reports/questions.ts';
import {
  type AskedRelation,
  type Column,
  ownNumbers,
  RELATIONS,
  type Relation,
} from '../../reports/relations.ts';
import type { ReportEngine, Row } from '../../reports/reports.ts';
import type { Statement } from '../../reports/statement.ts';
import type { Generation, Generations, SealedGeneration } from '../generations.ts';
import type { SiteDay } from '../shipping.ts';
import {
  ALL_RELATIONS,
  answerOf,
  changedRows,
  countGenerations,
  dayKey,
  noRows,
  openRows,
  type SameDays,
  sealedRows,
  WITH_VISITOR,
} from '../warehouse/day-tables.ts';
import { integer, text } from '../warehouse/literal.ts';
import type { OnServer } from '../warehouse/replicas.ts';
import { P75, viewRows } from '../warehouse/views.ts';

/** A server lacks rows of generations in force: it is behind, or has lost them. */
export class GenerationMissing extends StoreUnavailable {
  override readonly name = 'GenerationMissing';
  readonly days: readonly SiteDay[];

  constructor(server: string, days: readonly SiteDay[]) {
    super(`ClickHouse: ${server} is missing rows of ${days.length} days of reports`);
    this.days = days;
  }
}

/** Generations remembered as found. Beyond, they are looked for again. */
const FOUND_MAX = 100_000;
/** How long a generation is remembered as found. If a server loses its rows meanwhile, reports are too low for that long. */
const FOUND_MS = 5 * MINUTE_MS;

/**
 * Looks on servers for the rows of generations. What was found is not looked for again for some minutes: counting the events of
 * a site takes as long as a question about them.
 */
export class FoundGenerations {
  /** When each generation was found, by `nameOf`. */
  readonly #found = new WeakMap<Server, Map<string, number>>();

  /** @throws GenerationMissing unless a server has all rows of the generations */
  async expect(server: Server, generations: readonly SealedGeneration[]): Promise<void> {
    const found = this.#found.get(server) ?? new Map<string, number>();
    this.#found.set(server, found);
    const now = performance.now();
    const unsure = generations.filter((each) => now - (found.get(nameOf(each)) ?? -Infinity) >= FOUND_MS);
    if (unsure.length === 0) return;
    const counted = await countGenerations(server, unsure);
    const missing = counted.filter(({ found: there, rows }) =>
      ALL_RELATIONS.some((relation) => there[relation] !== rows[relation]),
    );
    if (missing.length > 0) throw new GenerationMissing(server.name, missing);
    if (found.size + unsure.length > FOUND_MAX) found.clear();
    for (const each of unsure) found.set(nameOf(each), now);
  }
}

const nameOf = ({ siteId, generation }: Generation) => `${generation} ${siteId}`;

/**
 * Answers the statements of one question: from generations, and from entries for open days and for what has changed. All
 * statements read the same generations, also if others come into force meanwhile.
 */
export class GenerationEngine implements ReportEngine {
  readonly p75 = P75;
  readonly #on: OnServer;
  readonly #generations: Generations;
  readonly #found: FoundGenerations;
  readonly #makeOpenDay: (day: SiteDay) => Promise<void>;
  readonly #signal: AbortSignal;
  /** By `dayKey`. */
  readonly #inForce = new Map<string, SealedGeneration>();

  /**
   * @param makeOpenDay makes a generation of an open day, unless another process does
   * @param signal cancels the statements
   */
  constructor({
    on,
    generations,
    found,
    makeOpenDay,
    signal,
  }: {
    on: OnServer;
    generations: Generations;
    found: FoundGenerations;
    makeOpenDay: (day: SiteDay) => Promise<void>;
    signal: AbortSignal;
  }) {
    this.#on = on;
    this.#generations = generations;
    this.#found = found;
    this.#makeOpenDay = makeOpenDay;
    this.#signal = signal;
  }

  async daysOf(
    siteIds: readonly string[],
    range: { firstDay: number; lastDay: number },
  ): Promise<StoredDay[]> {
    let days = await this.#generations.daysOf(siteIds, range);
    if (days.length === 0) await this.#expectServer();
    const largeOpen = days.filter(({ isLarge, inForce }) => isLarge && inForce === null);
    if (largeOpen.length > 0) {
      for (const { siteId, day } of largeOpen) await this.#makeOpenDay({ siteId, day });
      days = await this.#generations.daysOf(siteIds, range);
    }
    for (const each of days) if (each.inForce !== null) this.#inForce.set(dayKey(each), each.inForce);
    return days.map(({ siteId, day, inForce }) => ({
      ...{ siteId, day },
      isRolledUp: inForce !== null && inForce.changedFromMs === null,
    }));
  }

  rows({ siteIds, from, sql, values }: Statement): Promise<Row[]> {
    const relations = [...Object.keys(RELATIONS), 'views'].filter(
      (name): name is AskedRelation => from[name as AskedRelation] !== undefined,
    );
    const queries = relations.map((relation) => [
      relation,
      this.#query(siteIds, relation, from[relation] ?? []),
    ]);
    const literals = values.map((value) => (typeof value === 'number' ? integer(value) : text(value)));
    const answer = answerOf(
      Object.fromEntries(queries),
      sql.replaceAll(/\$(\d+)/g, (_, place) => literals[Number(place) - 1] ?? ''),
    );
    const sealed = this.#sealed(relations.flatMap((relation) => from[relation] ?? []));
    return this.#on(async (server) => {
      await this.#found.expect(server, sealed);
      return server.until(this.#signal).rows(answer);
    });
  }

  /**
   * While ClickHouse is unavailable, collectors hold entries of days that PostgreSQL does not know yet, so an empty answer could
   * be wrong.
   */
  async #expectServer(): Promise<void> {
    await this.#on((server) => server.until(this.#signal).rows(noRows('events')));
  }

  #query(siteIds: readonly string[], relation: AskedRelation, days: readonly SiteDay[]): string {
    if (relation === 'events')
      return ownNumbers(this.#stored(relation, days, RELATIONS[relation]), siteIds, text);
    if (relation !== 'views') return this.#stored(relation, days, RELATIONS[relation]);
    // Visitors are looked for within a site.
    const bySite = [...Map.groupBy(days, ({ siteId }) => siteId)].map(([siteId, ofSite]) => {
      const events = this.#stored('events', ofSite, WITH_VISITOR);
      return viewRows(siteId, daysIn(ofSite), events);
    });
    return bySite.join(' UNION ALL ');
  }

  #stored(relation: Relation, days: readonly SiteDay[], columns: readonly Column[]): string {
    const sealed = this.#sealed(days);
    const whole = sealed.filter(({ changedFromMs }) => changedFromMs === null);
    const sources =
      whole.length > 0
        ? [
            sealedRows(
              relation,
              alike(whole, ({ day, generation }) => `${day} ${generation}`),
              columns,
            ),
          ]
        : [];
    // Rollups are asked for of whole days only.
    if (relation === 'events' || relation === 'bots') {
      for (const { siteId, changedFromMs, ...of } of sealed)
        if (changedFromMs !== null)
          sources.push(changedRows(relation, siteId, { ...of, changedFromMs }, columns));
      const open = days.filter((day) => !this.#inForce.has(dayKey(day)));
      if (open.length > 0)
        sources.push(
          openRows(
            relation,
            alike(open, ({ day }) => String(day)),
            columns,
          ),
        );
    }
    return sources.length === 0 ? noRows(relation, columns) : sources.join(' UNION ALL ');
  }

  #sealed(days: readonly SiteDay[]) {
    return [...new Set(days.map(dayKey))].flatMap((day) => this.#inForce.get(day) ?? []);
  }
}

const daysIn = (days: readonly SiteDay[]) => days.map(({ day }) => day);

/**
 * Joins the sites that have the same of something each day, so that conditions are short.
 *
 * @returns the sites, and the days of one of them
 */
function alike<Day extends SiteDay>(days: readonly Day[], keyOf: (day: Day) => string): SameDays<Day>[] {
  const daysOf = Map.groupBy(days, ({ siteId }) => siteId);
  const groups = Map.groupBy(daysOf, ([, ofSite]) => ofSite.map(keyOf).join());
  return [...groups.values()].map((sites) => ({
    siteIds: sites.map(([siteId]) => siteId),
    days: sites[0]?.[1] ?? [],
  }));
}
