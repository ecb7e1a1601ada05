/** Parts of DuckDB's statements, for files that need not load the engine. */

/** Quotes a string as a literal, for places where a statement cannot take a value: names of files. */
export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** Returns what reads Parquet files with the same columns. Names are taken as they are, not as patterns. */
export function parquet(...files: readonly string[]): string {
  return `read_parquet([${files.map((file) => literal(file.replaceAll(/[[*?]/g, '[$&]'))).join(', ')}])`;
}
