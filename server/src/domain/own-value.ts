/**
 * Looks up an untrusted word in a table. It ignores inherited names, such as `constructor` and `__proto__`.
 */
export function ownValue<T>(table: Readonly<Record<string, T>>, word: string): T | undefined {
  return Object.hasOwn(table, word) ? table[word] : undefined;
}
