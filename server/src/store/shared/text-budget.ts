import { randomInt } from 'node:crypto';
import { PAGEVIEW } from '../../../../tracker/wire/limits.ts';
import { utcDay } from '../../domain/clock.ts';
import { hash32 } from '../../domain/hash32.ts';
import { type Entry, type EventEntry, OTHER_PROPS, OTHER_TEXT, type TextLimits } from '../contract/store.ts';

/** How much of its limits a site has used on a UTC day. */
export interface TextUse {
  siteId: string;
  day: number;
  texts: number;
  bytes: number;
}

/** The bytes of text that each event may have whatever its site has used. Few events have more. */
export const EVENT_TEXT_BYTES = 200;
/** The most bytes in UTF-8 of a UTF-16 code unit. */
const CHAR_MAX_BYTES = 3;
/** The part of a limit after which a site's use is stored. A server that restarts forgets at most this much of it. */
const STORED_STEP = 1 / 64;
/** The part of the limit of texts within which every text counts as new, so that most sites' texts need not be remembered. */
const UNCHECKED = 1 / 2;
/** The part of the limit of texts that a restart returns, since the texts of before are then unknown. */
const RETURNED = 1 / 10;
/** The most texts in memory, for all sites together: about 60 MB. Beyond it, the site with the most forgets some. */
const MAX_KNOWN_TEXTS = 2_000_000;
/** The most sites in memory whose use is too little to be stored. At the limit, all of it is forgotten. */
const MAX_LIGHT_SITES = 100_000;
/** How many days before the newest one an entry may be received. Its text counts on the newest day. */
const BACK_DATED_DAYS = 2;

/** The fields with texts that senders make up. The first ones get the room that is left. */
const TEXTS = [
  ...(['path', 'name', 'host', 'source', 'referrer', 'campaign'] as const),
  ...(['utmSource', 'utmMedium', 'utmContent', 'utmTerm'] as const),
];
type Texts = Readonly<Partial<Record<(typeof TEXTS)[number], string | null>>>;

interface SiteUse {
  texts: number;
  bytes: number;
  /** What is stored of both; 0 if nothing is. */
  storedTexts: number;
  storedBytes: number;
  /** Hashes of the day's texts; null while every text counts as new. */
  known: Set<number> | null;
}

const SEED = randomInt(2 ** 32);

/**
 * Limits the text that each site stores per UTC day, so that no one can fill the disk with a public site key. Beyond the limits, the
 * texts of an entry that are new to the site that day, or that are long, are replaced by `OTHER_TEXT`. It is still stored.
 *
 * Each server has its own budgets.
 */
export class TextBudgets {
  readonly #limits: TextLimits;
  /** The stored use, by day and site, until that day begins. */
  readonly #stored: readonly TextUse[];
  #day = Number.NEGATIVE_INFINITY;
  #sites = new Map<string, SiteUse>();
  #due = new Set<string>();
  /** The sites whose texts are in memory, and how many these are. */
  #knowing = new Set<SiteUse>();
  #knownTexts = 0;
  readonly #maxKnownTexts: number;
  #forgetLightAt = MAX_LIGHT_SITES;

  constructor(
    limits: TextLimits,
    stored: readonly TextUse[] = [],
    { maxKnownTexts = MAX_KNOWN_TEXTS }: { maxKnownTexts?: number } = {},
  ) {
    this.#limits = limits;
    this.#stored = stored;
    this.#maxKnownTexts = maxKnownTexts;
  }

  /** Charges an entry's texts. @returns the entry, or a copy in which texts beyond the limits are replaced */
  fit<E extends Entry>(entry: E): E {
    const use = this.#useOf(entry.siteId, utcDay(entry.receivedAtMs));
    const props = entry.kind === 'event' && entry.props !== null ? JSON.stringify(entry.props) : null;
    let texts = props === null ? 0 : 1;
    let chars = props?.length ?? 0;
    for (const field of TEXTS) {
      const text = textIn(entry, field);
      if (text === null) continue;
      texts += 1;
      chars += text.length;
    }
    // Most events have so little text that its bytes need not be counted.
    const bytes = chars * CHAR_MAX_BYTES <= EVENT_TEXT_BYTES ? 0 : bytesOf(entry, props);
    const charged = Math.max(0, bytes - EVENT_TEXT_BYTES);
    const isOverBytes = use.bytes + charged > this.#limits.bytes;
    if (!isOverBytes && use.texts + texts <= this.#limits.texts * UNCHECKED) {
      use.texts += texts;
      use.bytes += charged;
      this.#noteUse(entry.siteId, use);
      return entry;
    }
    return this.#shorten(entry, {
      use,
      props,
      room: isOverBytes ? EVENT_TEXT_BYTES : Number.POSITIVE_INFINITY,
    });
  }

  /** Returns what has to be stored with the next commit. */
  takeDue(): TextUse[] {
    const due: TextUse[] = [];
    for (const siteId of this.#due) {
      const use = this.#sites.get(siteId);
      if (use === undefined) continue;
      use.storedTexts = use.texts;
      use.storedBytes = use.bytes;
      due.push({ siteId, day: this.#day, texts: use.texts, bytes: use.bytes });
    }
    this.#due.clear();
    return due;
  }

  /** Takes back what could not be stored. */
  putBack(uses: readonly TextUse[]): void {
    for (const { siteId } of uses) this.#due.add(siteId);
  }

  #shorten<E extends Entry>(
    entry: E,
    { use, props, room }: { use: SiteUse; props: string | null; room: number },
  ): E {
    const replaced: Partial<Pick<EventEntry, keyof Texts | 'props' | 'isShortened'>> = {};
    let isShortened = false;
    let left = room;
    let kept = 0;
    const keeps = (text: string) => {
      const bytes = Buffer.byteLength(text);
      if (bytes > left || !this.#admit(use, text)) {
        isShortened = true;
        return false;
      }
      left -= bytes;
      kept += bytes;
      return true;
    };
    for (const field of TEXTS) {
      const text = textIn(entry, field);
      if (text !== null && !keeps(text)) replaced[field] = OTHER_TEXT;
    }
    if (props !== null && !keeps(props)) replaced.props = OTHER_PROPS;
    use.bytes += Math.max(0, kept - EVENT_TEXT_BYTES);
    this.#noteUse(entry.siteId, use);
    if (!isShortened) return entry;
    if (entry.kind === 'event') replaced.isShortened = true;
    return Object.assign({ ...entry }, replaced);
  }

  /** Counts a text if it is new to the site that day. @returns whether it may be stored */
  #admit(use: SiteUse, text: string): boolean {
    if (use.texts < this.#limits.texts * UNCHECKED) {
      use.texts += 1;
      return true;
    }
    use.known ??= new Set();
    this.#knowing.add(use);
    const hash = hash32(text, SEED);
    if (use.known.has(hash)) return true;
    if (use.texts >= this.#limits.texts) return false;
    use.texts += 1;
    if (this.#knownTexts >= this.#maxKnownTexts) this.#makeRoomFor(use);
    if (this.#knownTexts < this.#maxKnownTexts) {
      this.#knownTexts += 1;
      use.known.add(hash);
    }
    return true;
  }

  /**
   * Has the site with the most texts in memory forget the newer half of them, unless it is this one, whose texts then count as new
   * each time. So the texts that someone makes up for some sites do not use up the limits of others.
   */
  #makeRoomFor(use: SiteUse): void {
    let most = use;
    for (const each of this.#knowing) if (sizeOf(each) > sizeOf(most)) most = each;
    if (most === use) return;
    const kept = new Set([...(most.known ?? [])].slice(0, Math.floor(sizeOf(most) / 2)));
    this.#knownTexts -= sizeOf(most) - kept.size;
    most.known = kept;
  }

  #noteUse(siteId: string, { texts, bytes, storedTexts, storedBytes }: SiteUse): void {
    const { texts: mostTexts, bytes: mostBytes } = this.#limits;
    if (texts - storedTexts >= mostTexts * STORED_STEP || bytes - storedBytes >= mostBytes * STORED_STEP)
      this.#due.add(siteId);
  }

  #useOf(siteId: string, day: number): SiteUse {
    // A clock that was set back by days also begins again, since the newest day might never come.
    if (day > this.#day || day < this.#day - BACK_DATED_DAYS) this.#begin(day);
    let use = this.#sites.get(siteId);
    if (use === undefined) {
      if (this.#sites.size >= this.#forgetLightAt) this.#forgetLight();
      use = { texts: 0, bytes: 0, storedTexts: 0, storedBytes: 0, known: null };
      this.#sites.set(siteId, use);
    }
    return use;
  }

  #begin(day: number): void {
    this.#day = day;
    this.#sites = new Map();
    this.#due = new Set();
    this.#knowing = new Set();
    this.#knownTexts = 0;
    this.#forgetLightAt = MAX_LIGHT_SITES;
    const most = this.#limits.texts * (1 - RETURNED);
    for (const { siteId, texts: stored, bytes } of this.#stored.filter((each) => each.day === day)) {
      const texts = Math.min(stored, most);
      this.#sites.set(siteId, { texts, bytes, storedTexts: texts, storedBytes: bytes, known: null });
    }
  }

  #forgetLight(): void {
    for (const [siteId, { storedTexts, storedBytes }] of this.#sites)
      if (storedTexts === 0 && storedBytes === 0 && !this.#due.has(siteId)) this.#sites.delete(siteId);
    this.#forgetLightAt = this.#sites.size + MAX_LIGHT_SITES;
  }
}

/** The number of a site's texts in memory. */
function sizeOf({ known }: SiteUse): number {
  return known?.size ?? 0;
}

function bytesOf(entry: Texts, props: string | null): number {
  let bytes = Buffer.byteLength(props ?? '');
  for (const field of TEXTS) bytes += Buffer.byteLength(textIn(entry, field) ?? '');
  return bytes;
}

/** Returns a field's text; null if it has none that a sender made up. */
function textIn(entry: Texts, field: keyof Texts): string | null {
  const text = entry[field] ?? null;
  return field === 'name' && text === PAGEVIEW ? null : text;
}
