import { hash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Dimension, FilterDimension, ViewDimension } from '../../../domain/dimensions.ts';
import type { GoalTarget } from '../../../domain/goals.ts';
import type { Measures } from '../../../domain/measures.ts';
import type { Money } from '../../../domain/money.ts';
import type {
  ActivityItem,
  Audit,
  BreakdownRow,
  FilteredSites,
  FunnelRow,
  GoalCount,
  JourneyStep,
  PropertyCount,
  ReportLimits,
  Reports,
  RowPaging,
  Scope,
  SiteSpan,
  SpanOfSites,
  ViewsRow,
} from '../../contract/store.ts';
import { DuckDb } from '../../drivers/duckdb.ts';
import { type Database, openForReading } from '../../drivers/sqlite.ts';
import { SqlReports } from '../../reports/reports.ts';
import { serveTasks } from '../../shared/threads/task-thread.ts';
import { Turns } from '../../shared/threads/turns.ts';
import { type Segment, type WrittenSegment, wastefulSegments } from '../tables/segments.ts';
import { listActivity } from './activity.ts';
import { archivableBefore } from './archive.ts';
import { audit } from './audit.ts';
import { DayEngine, DayOpened } from './day-engine.ts';
import { type Batch, type SealedBatch, Sealing, sealableBatches, unnamedFolders } from './seal.ts';
import { daysFolder, deleteSegment, deleteUnfinished, SPILL } from './segment-files.ts';
import { type TextCursor, type TextTable, textIds, textsUsed } from './text-use.ts';
import { Texts } from './texts.ts';

/**
 * The thread for questions that may take seconds, so that they delay neither the HTTP thread nor commits nor short questions.
 * DuckDB answers reports; its statements run on threads of its own.
 */
export type Question =
  | { type: 'totals'; scope: Scope }
  | { type: 'series'; scope: FilteredSites; boundariesMs: readonly number[] }
  | { type: 'series-by-site'; scope: FilteredSites; boundariesMs: readonly number[] }
  | { type: 'breakdown'; scope: Scope; by: Dimension; options: Parameters<Reports['breakdown']>[2] }
  | { type: 'views'; scope: Scope; by: ViewDimension | null; options: RowPaging }
  | { type: 'revenue'; scope: FilteredSites; boundariesMs: readonly number[] }
  | { type: 'revenue-by'; scope: Scope; by: Dimension; values: readonly (string | null)[] }
  | { type: 'goals'; scope: Scope; goals: readonly GoalTarget[] }
  | {
      type: 'funnel';
      scope: Scope;
      steps: readonly GoalTarget[];
      by: FilterDimension | null;
      options: { limit: number; cursor?: string };
    }
  | { type: 'journeys'; scope: Scope; page: GoalTarget; limit: number }
  | { type: 'properties'; scope: Scope; limit: number }
  | { type: 'events-since'; scope: SpanOfSites }
  | { type: 'activity'; scope: SiteSpan; options: Parameters<Reports['listActivity']>[1] }
  | { type: 'realtime'; siteId: string; sinceMs: number }
  // Not beside a question, which may read the copies or the files.
  | { type: 'sealed'; day: number; siteIds: readonly string[] }
  | { type: 'delete-unnamed' };

/** A task of maintenance, which runs beside questions. */
export type Maintenance =
  | { type: 'sealable'; beforeDay: number; siteId: string | null }
  | { type: 'seal'; batch: Batch }
  | { type: 'wasteful' }
  | { type: 'compact'; segment: Segment }
  | { type: 'archivable'; beforeDay: number }
  | { type: 'texts-used'; table: TextTable; after: TextCursor | null; limit: number }
  | { type: 'text-ids'; after: number; below: number; limit: number }
  | { type: 'audit' };

/** The type of the answer to each task. */
export interface Answers {
  totals: Measures;
  series: Measures[];
  'series-by-site': Measures[][];
  breakdown: { rows: BreakdownRow[]; nextCursor: string | null };
  views: { rows: ViewsRow[]; nextCursor: string | null };
  revenue: Money[][];
  'revenue-by': Money[][];
  goals: GoalCount[];
  funnel: { rows: FunnelRow[]; nextCursor: string | null };
  journeys: JourneyStep[];
  properties: PropertyCount[];
  'events-since': number | null;
  activity: { items: ActivityItem[]; nextCursor: string | null };
  realtime: { visitors: number; pages: { path: string; visitors: number }[] };
  sealed: null;
  sealable: Batch[];
  seal: SealedBatch;
  wasteful: Segment[];
  'delete-unnamed': null;
  compact: WrittenSegment;
  /** The day before which all days can be archived. */
  archivable: number;
  'texts-used': { ids: Float64Array; next: TextCursor | null };
  'text-ids': Float64Array;
  audit: Audit;
}

const CACHE_KIB = 16 * 1024;
/** How often a question is asked whose days are opened by events that arrive meanwhile. */
const TRIES = 5;

/** Answers questions, one at a time. The client decides whose turn it is. */
class Questions {
  readonly #db: Database;
  readonly #engine: DayEngine;
  readonly #folder: string;
  readonly #turns = new Turns();

  constructor({ db, engine, folder }: { db: Database; engine: DayEngine; folder: string }) {
    this.#db = db;
    this.#engine = engine;
    this.#folder = folder;
  }

  answer(question: Question, signal: AbortSignal): Promise<Answers[Question['type']]> {
    return this.#turns.run(async () => {
      for (let tries = 1; ; tries++) {
        try {
          return await this.#answer(question, signal);
        } catch (error) {
          if (!(error instanceof DayOpened) || tries === TRIES) throw error;
        }
      }
    });
  }

  async #answer(question: Question, signal: AbortSignal): Promise<Answers[Question['type']]> {
    const reports = new SqlReports(this.#engine.until(signal));
    switch (question.type) {
      case 'totals':
        return reports.totals(question.scope);
      case 'series':
        return reports.series(question.scope, question.boundariesMs);
      case 'series-by-site':
        return reports.seriesBySite(question.scope, question.boundariesMs);
      case 'breakdown':
        return reports.breakdown(question.scope, question.by, question.options);
      case 'views':
        return reports.views(question.scope, question.by, question.options);
      case 'revenue':
        return reports.revenue(question.scope, question.boundariesMs);
      case 'revenue-by':
        return reports.revenueBy(question.scope, question.by, question.values);
      case 'goals':
        return reports.goals(question.scope, question.goals);
      case 'funnel':
        return reports.funnel(question.scope, question.steps, question.by, question.options);
      case 'journeys':
        return reports.journeys(question.scope, question.page, question.limit);
      case 'properties':
        return reports.properties(question.scope, question.limit);
      case 'events-since':
        return this.#engine.eventsSince(question.scope);
      case 'activity':
        return listActivity({ db: this.#db, engine: this.#engine, signal }, question.scope, question.options);
      case 'realtime':
        return reports.realtime(question.siteId, question.sinceMs);
      case 'sealed':
        await this.#engine.forgetSealed(question.day, question.siteIds);
        return null;
      case 'delete-unnamed':
        return this.#deleteUnnamed();
    }
  }

  async #deleteUnnamed(): Promise<null> {
    for (const path of await unnamedFolders(this.#db, this.#folder)) await deleteSegment(this.#folder, path);
    await deleteUnfinished(this.#folder);
    return null;
  }
}

/** Writes segments and looks through the tables, one task at a time, beside questions. */
class Upkeep {
  readonly #db: Database;
  readonly #sealing: Sealing;
  readonly #folder: string;
  readonly #turns = new Turns();

  /** @param db a connection apart from the one that `sealing` has */
  constructor({ db, sealing, folder }: { db: Database; sealing: Sealing; folder: string }) {
    this.#db = db;
    this.#sealing = sealing;
    this.#folder = folder;
  }

  perform(task: Maintenance): Promise<Answers[Maintenance['type']]> {
    return this.#turns.run(async () => this.#perform(task));
  }

  #perform(
    task: Maintenance,
  ):
    | Promise<SealedBatch | WrittenSegment | Audit | number>
    | Answers[Exclude<Maintenance['type'], 'seal' | 'compact' | 'archivable' | 'audit'>] {
    switch (task.type) {
      case 'sealable':
        return sealableBatches(this.#db, task);
      case 'seal':
        return this.#sealing.seal(task.batch);
      case 'wasteful':
        return wastefulSegments(this.#db);
      case 'compact':
        return this.#sealing.compact(task.segment);
      case 'archivable':
        return archivableBefore(this.#db, this.#folder, task.beforeDay);
      case 'texts-used':
        return textsUsed(this.#db, task);
      case 'text-ids':
        return textIds(this.#db, task);
      case 'audit':
        return audit(this.#db, this.#folder);
    }
  }
}

/** The types of all questions. */
const QUESTIONS: Readonly<Record<Question['type'], true>> = {
  ...{ totals: true, series: true, breakdown: true, revenue: true, 'revenue-by': true, goals: true },
  ...{
    funnel: true,
    journeys: true,
    properties: true,
    views: true,
    'events-since': true,
    'series-by-site': true,
    activity: true,
    realtime: true,
    sealed: true,
    'delete-unnamed': true,
  },
};

function isQuestion(task: Question | Maintenance): task is Question {
  return task.type in QUESTIONS;
}

/** Returns the folder within a shared one that only the server with this events file uses. */
function ownFolder(shared: string, file: string): string {
  return join(shared, `attractos-${hash('sha256', resolve(file)).slice(0, 16)}`);
}

serveTasks(async (file, limits: ReportLimits) => {
  const folder = daysFolder(dirname(file));
  const spillFolder = limits.spillFolder === null ? join(folder, SPILL) : ownFolder(limits.spillFolder, file);
  // What killed processes left there. Commands always use the first.
  for (const left of [join(folder, SPILL), spillFolder]) await rm(left, { recursive: true, force: true });
  const duck = await DuckDb.open({ ...limits, spillFolder });
  const beside = await duck.connect();
  const openFile = () => openForReading(file, { cacheKib: CACHE_KIB });
  const [asked, sealed, kept] = [openFile(), openFile(), openFile()];
  const engine = new DayEngine({ duck, db: asked, texts: new Texts(asked), folder });
  const questions = new Questions({ db: asked, engine, folder });
  const sealing = new Sealing({ duck: beside, db: sealed, texts: new Texts(sealed), folder });
  const upkeep = new Upkeep({ db: kept, sealing, folder });
  return {
    perform: (task: Question | Maintenance, signal): Promise<Answers[keyof Answers]> =>
      isQuestion(task) ? questions.answer(task, signal) : upkeep.perform(task),
    stop: () => duck.stop(),
    close() {
      duck.close();
      for (const db of [asked, sealed, kept]) db.close();
    },
  };
});
