// Draws `flags.ts` from country-flag-icons. README.md says how to run it.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { countryName } from '../src/domain/countries.ts';
import { pathIn } from './packages.mjs';
import { readPath, writePath } from './path.mjs';

const OUTPUT = join(import.meta.dirname, '../src/dashboard/kit/flags.ts');
/** Flags are 90 by 60 units, and shown at 20 pixels. */
const WIDTH = 90;
/** Smaller shapes are left out, in square units. */
const LEAST_AREA = 6;
/** A longer flag loses more of its smallest shapes. */
const MAX_CHARS = 900;

const HEADER = `/**
 * The flags of countries on a grid of 90 by 60: the fill of each shape, with stroke and width if it has one, and its path.
 * \`server/drawings/flags.mjs\` draws this file from country-flag-icons, simplified.
 *
 * Copyright (c) 2020 @catamphetamine <purecatamphetamine@gmail.com>. The MIT License:
 * https://gitlab.com/catamphetamine/country-flag-icons/-/blob/master/LICENSE
 */
// cspell:disable
export const FLAGS: Readonly<Record<string, string>> = {
`;

/** Lists the shapes of a drawing, with the attributes of the groups around them. */
function* shapesOf(svg) {
  const groups = [{}];
  for (const [, end, tag, text, empty] of svg.matchAll(/<(\/?)(\w+)([^>]*?)(\/?)>/g)) {
    if (end !== '') {
      groups.pop();
      continue;
    }
    const own = Object.fromEntries(
      [...text.matchAll(/([\w-]+)="([^"]*)"/g)].map(([, name, value]) => [name, value]),
    );
    const shape = { ...groups.at(-1), ...own };
    if (tag === 'circle' || tag === 'ellipse') shape.d = ellipse(own);
    if (empty === '') groups.push(tag === 'svg' ? {} : shape);
    else yield shape;
  }
}

function ellipse({ cx, cy, r, rx = r, ry = r }) {
  return `M${cx - rx} ${cy}a${rx} ${ry} 0 1 0 ${2 * rx} 0a${rx} ${ry} 0 1 0 ${-2 * rx} 0z`;
}

function draw(svg, leastArea) {
  const [left, top, width] = /viewBox="([^"]*)"/.exec(svg)[1].split(' ').map(Number);
  const scale = WIDTH / width;
  const shapes = [...shapesOf(svg)].flatMap(({ d, fill = '#000', stroke, 'stroke-width': thick = '1' }) => {
    const path = writePath(readPath(d), { scale, dx: -left, dy: -top, leastArea });
    const thickness = Math.round(Number(thick) * scale);
    const line = stroke === undefined || thickness === 0 ? '' : `/${stroke}/${thickness}`;
    return path === '' || (fill === 'none' && line === '') ? [] : [`${fill}${line} ${path}`];
  });
  const flag = shapes.join(';');
  return flag.length > MAX_CHARS ? draw(svg, leastArea * 1.5) : flag;
}

const folder = pathIn('country-flag-icons', '3x2');
const lines = readdirSync(folder).flatMap((name) => {
  const [code] = name.split('.');
  if (code.length !== 2 || countryName(code) === null) return [];
  return [`  ${code}: '${draw(readFileSync(join(folder, name), 'utf8'), LEAST_AREA)}',\n`];
});
writeFileSync(OUTPUT, `${HEADER}${lines.join('')}};\n`);
