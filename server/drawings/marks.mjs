// Draws `marks.svg` from Simple Icons. README.md says how to run it.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SOURCE_MARKS } from '../src/dashboard/kit/source-marks.ts';
import { load } from './packages.mjs';
import { readPath, writePath } from './path.mjs';

const OUTPUT = join(import.meta.dirname, '../src/dashboard/kit/marks.svg');
/** An icon has 24 units, and is shown at 16 pixels. */
const SCALE = 10;
/** The backgrounds of the two color schemes, from `kit/base.css`. */
const BACKGROUNDS = ['ffffff', '1d1f25'];
/** A mark with less contrast to one of them has the color of text. https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio */
const LEAST_CONTRAST = 2;

function luminance(hex) {
  const [red, green, blue] = [0, 2, 4].map((at) => {
    const part = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one, other) {
  const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

const icons = new Map(Object.values(load('simple-icons')).map((icon) => [icon.slug, icon]));
const symbols = [...new Set(Object.values(SOURCE_MARKS))].sort().map((slug) => {
  const { path, hex } = icons.get(slug);
  const isVisible = BACKGROUNDS.every((background) => contrast(hex, background) >= LEAST_CONTRAST);
  const fill = isVisible ? ` fill="#${hex.toLowerCase()}"` : '';
  const d = writePath(readPath(path), { scale: SCALE });
  return `<symbol id="${slug}" viewBox="0 0 240 240"><path${fill} d="${d}"/></symbol>`;
});
writeFileSync(
  OUTPUT,
  `<svg xmlns="http://www.w3.org/2000/svg">\n<title>Marks of sources</title>\n${symbols.join('\n')}\n</svg>\n`,
);
