// Reads SVG paths, and writes them on a grid of whole numbers, which takes a third of the bytes.
// https://www.w3.org/TR/SVG2/paths.html

const ARGUMENTS = { M: 2, L: 2, H: 1, V: 1, C: 6, S: 4, Q: 4, T: 2, A: 7, Z: 0 };
const NUMBER = /\s*,?\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)/iy;
const FLAG = /\s*,?\s*([01])/y;

/** Splits the `d` of a path into commands with their arguments. */
function* commandsOf(d) {
  let at = 0;
  const take = (pattern) => {
    pattern.lastIndex = at;
    const found = pattern.exec(d);
    if (found !== null) at = pattern.lastIndex;
    return found?.[1];
  };
  let letter;
  while (true) {
    const next = take(/\s*([a-z])/iy);
    // After a move, further points are lines.
    letter = next ?? (letter === 'M' ? 'L' : letter === 'm' ? 'l' : letter);
    const count = ARGUMENTS[letter?.toUpperCase()];
    const args = [];
    for (let i = 0; i < count; i += 1) {
      const isFlag = count === 7 && (i === 3 || i === 4);
      const text = take(isFlag ? FLAG : NUMBER);
      if (text === undefined) break;
      args.push(Number(text));
    }
    if (next === undefined && args.length === 0) return;
    if (args.length !== count) throw new Error(`cannot read “${d.slice(at - 10, at + 20)}”`);
    yield { letter, args };
  }
}

/** Reads a path as absolute segments: each a letter of M, L, C, Q, A or Z, and points. */
export function readPath(d) {
  const segments = [];
  let [x, y, startX, startY] = [0, 0, 0, 0];
  let control = null;
  const add = (letter, points, rest = {}) => {
    segments.push({ letter, points, ...rest });
    const last = points.at(-1);
    control = letter === 'C' || letter === 'Q' ? { letter, at: points.at(-2) } : null;
    if (last !== undefined) [x, y] = last;
  };
  for (const { letter, args } of commandsOf(d)) {
    const upper = letter.toUpperCase();
    const [fromX, fromY] = letter === upper ? [0, 0] : [x, y];
    const point = (i) => [args[i] + fromX, args[i + 1] + fromY];
    const mirrored = (of) =>
      control?.letter === of ? [2 * x - control.at[0], 2 * y - control.at[1]] : [x, y];
    if (upper === 'M') {
      [startX, startY] = point(0);
      add('M', [[startX, startY]]);
    } else if (upper === 'L') add('L', [point(0)]);
    else if (upper === 'H') add('L', [[args[0] + fromX, y]]);
    else if (upper === 'V') add('L', [[x, args[0] + fromY]]);
    else if (upper === 'C') add('C', [point(0), point(2), point(4)]);
    else if (upper === 'S') add('C', [mirrored('C'), point(0), point(2)]);
    else if (upper === 'Q') add('Q', [point(0), point(2)]);
    else if (upper === 'T') add('Q', [mirrored('Q'), point(0)]);
    else if (upper === 'A') add('A', [point(5)], { radii: args.slice(0, 2), flags: args.slice(2, 5) });
    else {
      add('Z', []);
      [x, y] = [startX, startY];
    }
  }
  return segments;
}

/**
 * Writes segments, moved and then scaled, on a grid of whole numbers. Each point is rounded by itself, so that errors do not add
 * up. Segments that are too short to see are left out, and so are subpaths that enclose less than `leastArea`.
 */
export function writePath(segments, { scale = 1, dx = 0, dy = 0, leastArea = 0 } = {}) {
  const onGrid = ([px, py]) => [Math.round((px + dx) * scale), Math.round((py + dy) * scale)];
  return subpathsOf(segments)
    .map((subpath) => writeSubpath(subpath, { onGrid, scale, leastArea }))
    .join('');
}

function subpathsOf(segments) {
  const subpaths = [];
  let start = [0, 0];
  for (const segment of segments) {
    if (segment.letter === 'M') {
      [start] = segment.points;
      subpaths.push([segment]);
    } else {
      // What follows the end of a subpath without a move starts where that one started.
      if (subpaths.at(-1)?.at(-1)?.letter === 'Z') subpaths.push([{ letter: 'M', points: [start] }]);
      subpaths.at(-1)?.push(segment);
    }
  }
  return subpaths;
}

function writeSubpath(segments, { onGrid, scale, leastArea }) {
  // An arc may reach beyond its ends.
  const corners = segments.flatMap(({ points, radii: [rx, ry] = [0, 0] }) =>
    points.flatMap(([px, py]) => [onGrid([px - rx, py - ry]), onGrid([px + rx, py + ry])]),
  );
  const [xs, ys] = [0, 1].map((axis) => corners.map((corner) => corner[axis]));
  const [width, height] = [xs, ys].map((values) => Math.max(...values) - Math.min(...values));
  if (width * height < leastArea) return '';
  let [x, y] = [0, 0];
  let text = '';
  let previous = '';
  const write = (letter, numbers) => {
    if (letter !== previous) text += letter;
    numbers.forEach((number, i) => {
      text += (letter !== previous && i === 0) || number < 0 ? number : ` ${number}`;
    });
    previous = letter;
  };
  for (const { letter, points, radii, flags } of segments) {
    const rounded = points.map(onGrid);
    const moves = rounded.map(([px, py]) => [px - x, py - y]);
    const [moveX, moveY] = moves.at(-1) ?? [0, 0];
    if (letter === 'Z') write('z', []);
    else if (letter === 'M') write('M', rounded[0]);
    else if (moves.every(([mx, my]) => mx === 0 && my === 0)) continue;
    else if (letter === 'A')
      write('a', [...radii.map((radius) => Math.round(radius * scale)), ...flags, moveX, moveY]);
    else if (letter !== 'L') write(letter.toLowerCase(), moves.flat());
    else if (moveY === 0) write('h', [moveX]);
    else if (moveX === 0) write('v', [moveY]);
    else write('l', [moveX, moveY]);
    [x, y] = rounded.at(-1) ?? [x, y];
  }
  return text;
}
