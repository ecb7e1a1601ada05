import { utcDay } from '../../../domain/clock.ts';
import type { BotEntry, EventEntry, LeaveEntry } from '../../contract/store.ts';
import { type Database, prepared } from '../../drivers/sqlite.ts';
import { writeCrawler } from '../tables/profile.ts';
import type { StringTable } from '../tables/string-table.ts';
import type { CommitPart } from './commit-part.ts';
import { Ordinals } from './ordinals.ts';
import type { Visits } from './visits.ts';

/** Writes the rows of single entries. */
export class Rows implements CommitPart {
  readonly #db: Database;
  readonly #texts: StringTable;
  readonly #visits: Visits;
  readonly #eventOrdinals: Ordinals;
  readonly #botOrdinals: Ordinals;

  constructor({ db, strings, visits }: { db: Database; strings: StringTable; visits: Visits }) {
    this.#db = db;
    this.#texts = strings;
    this.#visits = visits;
    this.#eventOrdinals = new Ordinals(db, 'events');
    this.#botOrdinals = new Ordinals(db, 'bots');
  }

  rolledBack(): void {
    this.#eventOrdinals.rolledBack();
    this.#botOrdinals.rolledBack();
  }

  event(event: EventEntry): void {
    const texts = this.#texts;
    const site = texts.site(event.siteId);
    const path = texts.text(event.path);
    const n = this.#eventOrdinals.next(site, event.receivedAtMs);
    const visit = this.#visits.enter(event, { site, path, n });
    prepared(
      this.#db,
      `INSERT INTO events (site, at, n, visit, name, host, path, referrer, nav, props, value, currency, view, interactive)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ).run(
      site,
      event.receivedAtMs,
      n,
      visit,
      texts.text(event.name),
      texts.text(event.host),
      path,
      texts.textOrNull(event.referrer),
      texts.textOrNull(event.nav),
      event.props === null ? null : texts.text(JSON.stringify(event.props)),
      event.value,
      texts.textOrNull(event.currency),
      event.view,
      event.interactive ? null : 0,
    );
  }

  leave(leave: LeaveEntry): void {
    const texts = this.#texts;
    const site = texts.site(leave.siteId);
    prepared(
      this.#db,
      `INSERT INTO leaves (site, day, visit, view, at, path, engaged, scroll, vitals) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (site, day, visit, view) DO UPDATE SET at = max(at, excluded.at),
         engaged = coalesce(max(engaged, excluded.engaged), engaged, excluded.engaged),
         scroll = coalesce(max(scroll, excluded.scroll), scroll, excluded.scroll),
         vitals = coalesce(excluded.vitals, vitals)`,
    ).run(
      site,
      utcDay(leave.receivedAtMs),
      this.#visits.leave(leave, site),
      leave.view ?? 0n,
      leave.receivedAtMs,
      texts.text(leave.path),
      leave.engagedMs,
      leave.scroll,
      leave.vitals === null ? null : texts.text(JSON.stringify(leave.vitals)),
    );
  }

  bot(bot: BotEntry): void {
    const texts = this.#texts;
    const site = texts.site(bot.siteId);
    prepared(this.#db, 'INSERT INTO bots (site, at, n, crawler, host, path) VALUES (?, ?, ?, ?, ?, ?)').run(
      site,
      bot.receivedAtMs,
      this.#botOrdinals.next(site, bot.receivedAtMs),
      texts.text(writeCrawler(bot)),
      texts.text(bot.host),
      texts.text(bot.path),
    );
  }
}
