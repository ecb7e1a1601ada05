import { writeDate } from '../../domain/calendar.ts';
import type { Outage } from '../../domain/outage.ts';
import { Loop } from '../shared/loop.ts';
import {
  type Counts,
  type DueDay,
  type FailingDay,
  RowsMissing,
  type SiteDay,
  type Warehouse,
} from './shipping.ts';

/** The interval between checks for dirty days. Any process may reconcile any day. */
const IDLE_MS = 500;
const POLL_MS = 50;
/** The claimed entries of days that are reconciled in one transaction. A larger day has its own. */
const ENTRIES_AT_ONCE = 500_000;
/** Into how many parts days are divided if they could not be reconciled together. */
const PARTS_AFTER_FAILURE = 10;

/**
 * Reconciles dirty days in the background, by setting the overcount that collectors claimed. Large days have a loop of their
 * own, so that small ones do not wait for them.
 */
export class Reconciler {
  readonly #warehouse: Warehouse;
  readonly #counts: Counts;
  readonly #onOutage: (outage: Outage) => void;
  readonly #loops: readonly { work: string; loop: Loop }[];
  /** The days that fail, by the name under which they were reported. */
  #failing: ReadonlyMap<string, FailingDay> = new Map();

  constructor({
    warehouse,
    counts,
    onOutage,
  }: { warehouse: Warehouse; counts: Counts; onOutage: (outage: Outage) => void }) {
    this.#warehouse = warehouse;
    this.#counts = counts;
    this.#onOutage = onOutage;
    const [small, large] = [this.#sweep((day) => !isLarge(day)), this.#sweep(isLarge)];
    const work = async () => {
      const more = await small();
      this.#report(await counts.failingDays());
      return more;
    };
    this.#loops = [this.#loopOf('reconciliation', work), this.#loopOf('reconciliation of large days', large)];
  }

  start(): void {
    for (const { loop } of this.#loops) loop.start();
  }

  async stop(): Promise<void> {
    await Promise.all(this.#loops.map(({ loop }) => loop.stop()));
  }

  get lastError(): string | null {
    return this.#loops.find(({ loop }) => loop.lastError !== null)?.loop.lastError ?? null;
  }

  /** The current outages: of all reconciliation, and of single days. */
  get outages(): Outage[] {
    return [
      ...this.#loops.flatMap(({ work, loop: { lastError } }) =>
        lastError === null ? [] : [{ work, error: lastError }],
      ),
      ...[...this.#failing].map(([work, { error }]) => ({ work, error })),
    ];
  }

  /** Resolves once no day is dirty. */
  async settled(): Promise<void> {
    while ((await this.#counts.dirtyDays()) > 0) {
      for (const { loop } of this.#loops) if (loop.lastError === null) loop.soon();
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  #loopOf(work: string, step: () => Promise<boolean>): { work: string; loop: Loop } {
    const onOutage = (error: string | null) => this.#onOutage({ work, error });
    return { work, loop: new Loop({ work: step, idleMs: IDLE_MS, onOutage }) };
  }

  /**
   * Returns a function that reconciles the next due days, in the order of their sites and again from the beginning. It resolves
   * to whether there may be more.
   */
  #sweep(isMine: (day: DueDay) => boolean): () => Promise<boolean> {
    let after: SiteDay | null = null;
    return async () => {
      const { days, end } = await this.#counts.dueDaysAfter(after);
      after = end;
      const mine = days.filter(isMine);
      for (const group of groupsOf(mine)) await this.#reconcile(group);
      return end !== null || mine.length > 0;
    };
  }

  /** Reconciles days together or, if that fails, in smaller groups. A day that fails alone is put off. */
  async #reconcile(days: readonly DueDay[]): Promise<void> {
    if (this.#loops.some(({ loop }) => loop.isStopped)) return;
    try {
      await this.#counts.reconcile(days, (dirty) =>
        this.#warehouse.count(dirty, (changed) => this.#counts.markDirty(changed)),
      );
    } catch (error) {
      // If no database answers or has all rows, it is not because of these days.
      if (error instanceof RowsMissing) throw error;
      await this.#warehouse.expectAllRows();
      const [day, ...others] = days;
      if (day !== undefined && others.length === 0)
        await this.#counts.putOff({ ...day, error: error instanceof Error ? error.message : String(error) });
      else
        for (const part of inParts(days, Math.ceil(days.length / PARTS_AFTER_FAILURE)))
          await this.#reconcile(part);
    }
  }

  /** Reports days that began to fail, and days that no longer do. */
  #report(days: readonly FailingDay[]): void {
    const before = this.#failing;
    this.#failing = new Map(
      days.map((each) => [`reconciliation of ${each.siteId} on ${writeDate(each.day)}`, each]),
    );
    for (const [work, { error }] of this.#failing) if (!before.has(work)) this.#onOutage({ work, error });
    for (const work of before.keys()) if (!this.#failing.has(work)) this.#onOutage({ work, error: null });
  }
}

function isLarge({ claimed }: DueDay): boolean {
  return claimed > ENTRIES_AT_ONCE;
}

/** Groups days so that one transaction counts a bounded number of rows. A day that failed is in a group of its own. */
function groupsOf(days: readonly DueDay[]): DueDay[][] {
  const groups: DueDay[][] = [];
  let room = 0;
  for (const day of days) {
    const last = groups.at(-1);
    if (last === undefined || day.claimed > room || day.failures > 0) {
      groups.push([day]);
      room = day.failures > 0 ? -1 : ENTRIES_AT_ONCE - day.claimed;
    } else {
      last.push(day);
      room -= day.claimed;
    }
  }
  return groups;
}

function inParts<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, i) =>
    items.slice(i * size, (i + 1) * size),
  );
}
