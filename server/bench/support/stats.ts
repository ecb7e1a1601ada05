/** Returns the median of a list, or NaN if the list is empty. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = Math.floor(sorted.length / 2);
  const [below, above] = [sorted[Math.ceil(sorted.length / 2) - 1], sorted[half]];
  return below === undefined || above === undefined ? Number.NaN : (below + above) / 2;
}

/** Returns the value that a share `p` (0 to 1) of a sorted list does not exceed, or NaN if the list is empty. */
export function percentile(sorted: ArrayLike<number>, p: number): number {
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(p * sorted.length) - 1))] ?? Number.NaN;
}

/** Formats a list as its median, smallest and largest value, and length: `1.52 (1.40–1.71) n=6`. */
export function spread(values: readonly number[], digits = 2): string {
  if (values.length === 0) return 'none';
  const [low, high] = [Math.min(...values), Math.max(...values)];
  return `${median(values).toFixed(digits)} (${low.toFixed(digits)}–${high.toFixed(digits)}) n=${values.length}`;
}
