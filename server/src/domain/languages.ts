import { letterPairs } from './countries.ts';

/** Names of languages by their code of two or three letters (ISO 639). */

const NAMES = new Intl.DisplayNames('en', { type: 'language', fallback: 'none' });
/** Matches a code. Other subtags, such as the script of `zh-Hant`, are not stored. */
const CODE = /^[a-z]{2,3}$/;

/** Returns the English name of a language; null if the code is not that of a language. */
export function languageName(code: string): string | null {
  return CODE.test(code) ? (NAMES.of(code) ?? null) : null;
}

/** The lower-case name of every language with a code of two letters, filled by the first search. */
let names: readonly (readonly [code: string, name: string])[] | undefined;

function allNames(): typeof names & {} {
  names ??= letterPairs().flatMap((pair) => {
    const code = pair.toLowerCase();
    const name = languageName(code);
    return name === null ? [] : [[code, name.toLowerCase()] as const];
  });
  return names;
}

/** Returns the code of the language with an English name, compared without case; null if there is none. */
export function languageNamed(name: string): string | null {
  const sought = name.toLowerCase();
  return allNames().find(([, known]) => known === sought)?.[0] ?? null;
}

/** Returns the codes of the languages whose English name contains a text, compared without case. */
export function languagesLike(text: string): string[] {
  const sought = text.toLowerCase();
  return allNames().flatMap(([code, name]) => (name.includes(sought) ? [code] : []));
}
