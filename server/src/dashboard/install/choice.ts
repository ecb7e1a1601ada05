import type { TrackerBuild } from '../kit/parts.ts';
import { INSTALL_TEXT } from './text.ts';

/** What an owner chooses on the install page. The choice is in the query, so that the page works without JavaScript. */
export interface Choice {
  /** The platform whose snippet is shown; null: the first one. */
  platform: string | null;
  build: TrackerBuild;
  /** The `data-` attributes of the tag beside the key, by name, in the order of the page. The core script has none. */
  attributes: readonly (readonly [name: string, value: string])[];
  /** The options that are on, the script's build aside. */
  options: ReadonlySet<OnOffOption>;
  /** The text fields as typed, with what is wrong with them. */
  fields: Readonly<Record<TextOption, { typed: string; error?: string }>>;
}

/** Options of the full script that are on or off. Each is a parameter of the query, and an attribute of the tag. */
export const ON_OFF_OPTIONS = ['outbound', 'downloads', 'forms', 'hash'] as const;
export type OnOffOption = (typeof ON_OFF_OPTIONS)[number];

/** Options of the full script that are lists. */
export type TextOption = 'files' | 'query';

/** The most characters of a typed list. The tracker accepts no more in `data-query`. */
export const LIST_MAX_CHARS = 254;

/** Reads the choice. What is wrong is left out of the tag, and the page says why. */
export function readChoice(query: URLSearchParams): Choice {
  const options = new Set(ON_OFF_OPTIONS.filter((name) => query.get(name) === 'on'));
  const typed = { files: query.get('files') ?? '', query: query.get('query') ?? '' };
  // These characters mean nothing in HTML, JavaScript and PHP, so a list is the same in every snippet.
  const files = readList(
    typed.files.toLowerCase().replaceAll('.', ' '),
    /^[a-z0-9]+$/,
    INSTALL_TEXT.filesProblem,
  );
  const parameters = readList(typed.query, /^[\w.~%[\]-]+$/, INSTALL_TEXT.queryProblem);
  const build = query.get('build') ?? (options.size > 0 || typed.query !== '' ? 'full' : 'core');
  const settingOf = (name: OnOffOption) => (name === 'downloads' && files.entries.join()) || 'on';
  const attributes = [
    ...[...options].map((name) => [name, settingOf(name)] as const),
    ...(parameters.entries.length > 0 ? [['query', parameters.entries.join('|')] as const] : []),
  ];
  return {
    platform: query.get('platform'),
    build: build === 'full' ? 'full' : 'core',
    attributes: build === 'full' ? attributes : [],
    options,
    fields: {
      files: { typed: typed.files, ...files.problem },
      query: { typed: typed.query, ...parameters.problem },
    },
  };
}

/** Reads a list whose entries are separated by commas, semicolons or blanks. */
function readList(
  typed: string,
  valid: RegExp,
  problem: (entry: string) => string,
): { entries: string[]; problem: { error: string } | null } {
  const entries = [...new Set(typed.split(/[\s,;]+/).filter(Boolean))];
  const wrong = entries.find((entry) => !valid.test(entry));
  if (wrong !== undefined) return { entries: [], problem: { error: problem(wrong) } };
  return entries.join().length > LIST_MAX_CHARS
    ? { entries: [], problem: { error: INSTALL_TEXT.tooLong(LIST_MAX_CHARS) } }
    : { entries, problem: null };
}
