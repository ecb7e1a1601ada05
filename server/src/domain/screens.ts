/** The classes of the width of a window, in CSS pixels. An exact width could help to identify visitors. */

const CLASSES = [
  { name: 'small', below: 600 },
  { name: 'medium', below: 1024 },
  { name: 'large', below: 1600 },
  { name: 'extra large', below: Number.POSITIVE_INFINITY },
] as const;

/** Returns the class of a width; null if it is unknown. */
export function screenClass(width: number | null): string | null {
  return width === null ? null : (CLASSES.find(({ below }) => width < below)?.name ?? null);
}

/** What each class means, for documentation. */
export const SCREEN_CLASSES_SENTENCE = `Class of the window width in CSS pixels: ${CLASSES.map(
  ({ name, below }) =>
    below === Number.POSITIVE_INFINITY ? `${name} (any other)` : `${name} (below ${below})`,
).join(', ')}. Only the full script sends the width.`;
