/** The longest part of an input that is compared, and repeated in errors. */
export const ECHO_MAX_CHARS = 80;

/** Returns the known name closest to an input; null if none is close. */
export function nearest(name: string, known: readonly string[]): string | null {
  const written = name.slice(0, ECHO_MAX_CHARS).toLowerCase();
  const [first] = known
    .map((candidate) => ({ candidate, distance: editDistance(written, candidate) }))
    .sort((a, b) => a.distance - b.distance);
  return first !== undefined && first.distance <= Math.max(2, first.candidate.length / 3)
    ? first.candidate
    : null;
}

/** Returns the edit distance between two texts: characters to insert, delete or change. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const changed = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(changed, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
