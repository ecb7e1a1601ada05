/**
 * What a table says of a word, where anybody may have made up the word: every object also has a `constructor` and a
 * `__proto__`, which are no entries of it.
 */
export function entryOf<T>(table: Readonly<Record<string, T>>, word: string): T | undefined {
  return Object.hasOwn(table, word) ? table[word] : undefined;
}
