/** Divides countries into classes by their visitors, for the shades of the map. */

/** The most classes. `style.css` has a shade for each. */
const MAX_CLASSES = 5;

/** Returns the least values of the classes, in ascending order: steps of about three, because a few countries have most visitors. */
export function classesOf(most: number): number[] {
  const bounds: number[] = [];
  for (let ten = 1; ten <= most; ten *= 10) bounds.push(ten, 3 * ten);
  const reached = bounds.filter((bound) => bound <= most);
  return [...reached.slice(0, 1), ...reached.slice(1).slice(1 - MAX_CLASSES)];
}

/** Returns the class of a value, from 1. */
export function classOf(value: number, classes: readonly number[]): number {
  return classes.filter((least) => least <= value).length;
}
