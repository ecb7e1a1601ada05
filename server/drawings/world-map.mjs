// Draws `world.ts` from Natural Earth, as world-atlas has it. README.md says how to run it.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { load, pathIn } from './packages.mjs';
import { writePath } from './path.mjs';

const { merge } = load('topojson-client');
const { presimplify, simplify } = load('topojson-simplify');
const { geoEqualEarth, geoPath } = load('d3-geo');

const OUTPUT = join(import.meta.dirname, '../src/dashboard/map/world.ts');
const WIDTH = 1_000;
/** Corners that change less than this are left out, in square degrees. */
const LEAST_CORNER = 0.14;
/** Islands whose box is smaller are left out, in square units. */
const LEAST_ISLAND = 9;
/** A country whose largest part is smaller has a dot, too, in square units. */
const DOT_AREA = 14;
/** Keeps the east of Russia in one piece. */
const ROTATION = [-11, 0];
const ANTARCTICA = '010';
/** Areas without a code of their own. The others that have none are left out. */
const CODES = { Kosovo: 'XK', Somaliland: 'SO', 'N. Cyprus': 'CY' };

const HEADER = `/**
 * The world in the Equal Earth projection. \`server/drawings/world-map.mjs\` draws this file from Natural Earth (public domain),
 * simplified. Overseas regions that have a code but no outline there are part of their country.
 */
// cspell:disable
`;

/** CLDR knows which letters replace a number of ISO 3166-1: https://unicode.org/reports/tr35/#Unicode_Locale_Identifier */
const codeOf = ({ id, properties: { name } }) =>
  id === undefined ? CODES[name] : Intl.getCanonicalLocales(`und-${id}`)[0].slice('und-'.length);

const topology = simplify(
  presimplify(JSON.parse(readFileSync(pathIn('world-atlas', 'countries-50m.json'), 'utf8'))),
  LEAST_CORNER,
);
const areas = topology.objects.countries.geometries.filter(({ id }) => id !== ANTARCTICA);
const world = merge(topology, areas);
const projection = geoEqualEarth().rotate(ROTATION).fitWidth(WIDTH, world);
const [[left, top], [, bottom]] = geoPath(projection).bounds(world);

/** Returns the outlines of a shape in units of the map. */
function ringsOf(shape) {
  const rings = [];
  const stream = projection.stream({
    point: (x, y) => rings.at(-1).push([x - left, y - top]),
    lineStart: () => rings.push([]),
    ...{ lineEnd() {}, polygonStart() {}, polygonEnd() {}, sphere() {} },
  });
  for (const polygon of shape.coordinates) {
    stream.polygonStart();
    for (const ring of polygon) {
      stream.lineStart();
      for (const [longitude, latitude] of ring.slice(0, -1)) stream.point(longitude, latitude);
      stream.lineEnd();
    }
    stream.polygonEnd();
  }
  return rings;
}

function areaOf(ring) {
  const next = (i) => ring[(i + 1) % ring.length];
  return Math.abs(ring.reduce((sum, [x, y], i) => sum + x * next(i)[1] - next(i)[0] * y, 0)) / 2;
}

const [shapes, dots] = [[], []];
for (const code of [...new Set(areas.map(codeOf))].filter(Boolean).sort()) {
  const rings = ringsOf(
    merge(
      topology,
      areas.filter((area) => codeOf(area) === code),
    ),
  );
  const [largest] = rings.toSorted((a, b) => areaOf(b) - areaOf(a));
  if (areaOf(largest) < DOT_AREA) {
    const middle = [0, 1].map(
      (axis) => largest.reduce((sum, point) => sum + point[axis], 0) / largest.length,
    );
    dots.push(`  ${code}: [${middle.map(Math.round).join(', ')}],\n`);
  }
  const segments = rings.flatMap(([first, ...others]) => [
    { letter: 'M', points: [first] },
    ...others.map((point) => ({ letter: 'L', points: [point] })),
    { letter: 'Z', points: [] },
  ]);
  const outline = writePath(segments, { leastArea: LEAST_ISLAND });
  if (outline !== '') shapes.push(`  ${code}: '${outline}',\n`);
}

writeFileSync(
  OUTPUT,
  `${HEADER}
export const WORLD_WIDTH = ${WIDTH};
export const WORLD_HEIGHT = ${Math.ceil(bottom - top)};

/** The outlines of countries. */
export const OUTLINES: Readonly<Record<string, string>> = {
${shapes.join('')}};

/** The places of countries that are too small to see. */
export const DOTS: Readonly<Record<string, readonly [x: number, y: number]>> = {
${dots.join('')}};
`,
);
