import { languageName } from '../../domain/languages.ts';

/** The part of the header that is read. Browsers send less. */
export const ACCEPT_LANGUAGE_MAX_CHARS = 200;
/** The most languages of a header that are read. */
const LANGUAGES_MAX = 10;

/**
 * Returns the language that a browser prefers, without its region and script: `pt` for `pt-BR,en;q=0.8`. Regions are left out,
 * because rare ones help to tell visitors apart.
 *
 * @param header `Accept-Language` (https://www.rfc-editor.org/rfc/rfc9110#section-12.5.4)
 * @returns null if it names no known language
 */
export function preferredLanguage(header: string): string | null {
  let preferred: string | null = null;
  let highest = 0;
  for (const item of header.split(',', LANGUAGES_MAX)) {
    const [tag = '', ...parameters] = item.split(';');
    const weight = weightIn(parameters);
    if (weight <= highest) continue;
    const language = primaryLanguage(tag.trim());
    if (language === null) continue;
    preferred = language;
    highest = weight;
  }
  return preferred;
}

function weightIn(parameters: readonly string[]): number {
  const weight = parameters
    .map((each) => /^\s*q=(.*)$/i.exec(each)?.[1])
    .find((value) => value !== undefined);
  return weight === undefined ? 1 : Number(weight) || 0;
}

/** Returns the current code of the language of a tag: `he` for `iw-IL`. */
function primaryLanguage(tag: string): string | null {
  const [code] = /^[a-z]{2,3}(?=$|[-_])/i.exec(tag) ?? [];
  if (code === undefined) return null;
  const [current = ''] = Intl.getCanonicalLocales(code);
  return languageName(current) === null ? null : current;
}
