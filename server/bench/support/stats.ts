/** The middle of a list; of an even number the mean of the two in the middle. NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = Math.floor(sorted.length / 2);
  const [below, above] = [sorted[Math.ceil(sorted.length / 2) - 1], sorted[half]];
  return below === undefined || above === undefined ? Number.NaN : (below + above) / 2;
}

/** The value that a share `p` (0 to 1) of a sorted list does not exceed. NaN of none. */
export function percentile(sorted: ArrayLike<number>, p: number): number {
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(p * sorted.length) - 1))] ?? Number.NaN;
}

/** `1.52 (1.40–1.71) n=6`: median, smallest, largest, how many. */
export function spread(values: readonly number[], digits = 2): string {
  if (values.length === 0) return 'none';
  const [low, high] = [Math.min(...values), Math.max(...values)];
  return `${median(values).toFixed(digits)} (${low.toFixed(digits)}–${high.toFixed(digits)}) n=${values.length}`;
}
