import { utcDay } from '../../clock.ts';
import type { BotEntry, EventEntry, LeaveEntry } from '../store.ts';
import type { Dictionary } from './dictionary.ts';
import { type Database, prepared } from './driver.ts';
import { Ordinals } from './ordinals.ts';
import { PAGEVIEW, splitQuery, writeCrawler } from './profile.ts';
import type { Slots } from './slots.ts';
import type { Visits } from './visits.ts';

/** Writes single rows: what happened, as it happened. */
export class Rows {
  readonly #db: Database;
  readonly #texts: Dictionary;
  readonly #visits: Visits;
  readonly #slots: Slots;
  readonly #eventOrdinals: Ordinals;
  readonly #botOrdinals: Ordinals;

  constructor({
    db,
    dictionary,
    visits,
    slots,
  }: { db: Database; dictionary: Dictionary; visits: Visits; slots: Slots }) {
    this.#db = db;
    this.#texts = dictionary;
    this.#visits = visits;
    this.#slots = slots;
    this.#eventOrdinals = new Ordinals(db, 'events');
    this.#botOrdinals = new Ordinals(db, 'bots');
  }

  forget(): void {
    this.#eventOrdinals.forget();
    this.#botOrdinals.forget();
  }

  event(event: EventEntry): void {
    const texts = this.#texts;
    const site = texts.site(event.siteId);
    const { path, query } = splitQuery(event.path);
    const pathId = texts.text(path);
    const n = this.#eventOrdinals.next(site, event.receivedAtMs);
    const visit = this.#visits.enter(event, { site, path: pathId, n });
    const slot = this.#slots.at(site, event.receivedAtMs);
    slot.events += 1;
    if (event.name === PAGEVIEW) slot.pageviews += 1;
    prepared(
      this.#db,
      `INSERT INTO events (site, at, n, visit, name, host, path, query, referrer, nav, props, value, currency, view)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ).run(
      site,
      event.receivedAtMs,
      n,
      visit,
      texts.text(event.name),
      texts.text(event.host),
      pathId,
      texts.textOrNull(query),
      texts.textOrNull(event.referrer),
      texts.textOrNull(event.nav),
      event.props === null ? null : texts.text(JSON.stringify(event.props)),
      event.value,
      texts.textOrNull(event.currency),
      event.view,
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
      texts.text(splitQuery(leave.path).path),
      leave.engagedMs,
      leave.scroll,
      leave.vitals === null ? null : texts.text(JSON.stringify(leave.vitals)),
    );
  }

  bot(bot: BotEntry): void {
    const texts = this.#texts;
    const site = texts.site(bot.siteId);
    this.#slots.at(site, bot.receivedAtMs).bots += 1;
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
