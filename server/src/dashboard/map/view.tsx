import type { VNode } from 'preact';
import { countryName } from '../../domain/countries.ts';
import { valueName } from '../../domain/value-names.ts';
import { TableHead } from '../kit/elements.tsx';
import { whole } from '../kit/format.ts';
import type { SitePageRequest } from '../kit/parts.ts';
import { siteDocument } from '../kit/site-frame.tsx';
import { Chips } from '../report/chips.tsx';
import { Links } from '../report/links.ts';
import { spanName } from '../report/span-name.ts';
import { REPORT_TEXT } from '../report/text.ts';
import type { MapData } from './data.ts';
import { classesOf, classOf } from './shades.ts';
import { MAP_TEXT } from './text.ts';
import { DOTS, OUTLINES, WORLD_HEIGHT, WORLD_WIDTH } from './world.ts';

/** The countries of a report as a map, with a table of the same numbers. It is drawn on the server. */

export interface MapProps {
  data: MapData;
  /** The links of the report. */
  links: Links;
  /** The links of the map itself. */
  mapLinks: Links;
}

/** Creates the links of a map. @param base the path of the report */
export function linksOfMap(base: string, query: URLSearchParams): Omit<MapProps, 'data'> {
  return { links: new Links(base, query), mapLinks: new Links(`${base}/map`, query) };
}

/** Creates the page of a site's map. */
export function mapPage(request: SitePageRequest, map: MapProps): string {
  return siteDocument(request, {
    title: MAP_TEXT.title,
    here: 'report',
    children: <WorldMap {...map} />,
  });
}

/** The radius of the dot of a small country, in units of the map. */
const DOT_RADIUS = 4;

export function WorldMap({ data, links, mapLinks }: MapProps): VNode {
  const { span, zone, countries } = data;
  return (
    <>
      <p>
        <a href={links.with({}, '', '#places')}>{MAP_TEXT.back}</a>
      </p>
      <Chips data={data} links={mapLinks} />
      <section class="card" aria-labelledby="map-heading">
        <h2 id="map-heading">{MAP_TEXT.heading}</h2>
        <p class="hint">{REPORT_TEXT.panelTime(spanName(span), zone)}</p>
        {countries.length === 0 ? (
          <p class="empty">{MAP_TEXT.noData}</p>
        ) : (
          <div class="map">
            <Drawing countries={countries} links={links} />
            <Table countries={countries} links={links} />
          </div>
        )}
      </section>
    </>
  );
}

interface Shared {
  countries: MapData['countries'];
  links: Links;
}

/** The map. Screen readers and keyboards use the table, which has the same links. */
function Drawing({ countries, links }: Shared): VNode {
  const visitors = new Map(
    countries.flatMap(({ value, visitors }) => (value === null ? [] : [[value, visitors]])),
  );
  const classes = classesOf(Math.max(...visitors.values()));
  const shadeOf = (code: string) => {
    const count = visitors.get(code);
    return count === undefined ? undefined : `shade-${classOf(count, classes)}`;
  };
  const drawn = (code: string, shape: VNode) =>
    visitors.has(code) ? (
      <a href={links.withValue('country', code)} tabIndex={-1}>
        {shape}
      </a>
    ) : (
      shape
    );
  const name = (code: string) => (
    <title>{MAP_TEXT.ofCountry(countryName(code) ?? code, whole(visitors.get(code) ?? 0))}</title>
  );
  return (
    <figure>
      <svg class="world" viewBox={`0 0 ${WORLD_WIDTH} ${WORLD_HEIGHT}`} aria-hidden="true">
        {Object.entries(OUTLINES).map(([code, outline]) =>
          drawn(
            code,
            <path class={shadeOf(code)} d={outline}>
              {name(code)}
            </path>,
          ),
        )}
        {Object.entries(DOTS).map(
          ([code, [x, y]]) =>
            visitors.has(code) &&
            drawn(
              code,
              <circle class={shadeOf(code)} cx={x} cy={y} r={DOT_RADIUS}>
                {name(code)}
              </circle>,
            ),
        )}
      </svg>
      <figcaption>
        <ul class="map-legend" aria-hidden="true">
          {classes.map((least, i) => (
            <li>
              <svg viewBox="0 0 1 1" aria-hidden="true">
                <rect class={`shade-${i + 1}`} width="1" height="1" />
              </svg>
              {rangeOf(least, classes[i + 1])}
            </li>
          ))}
        </ul>
        <p class="hint" data-map-text>
          {MAP_TEXT.hint}
        </p>
      </figcaption>
    </figure>
  );
}

function rangeOf(least: number, next: number | undefined): string {
  if (next === undefined) return MAP_TEXT.from(whole(least));
  return next - least === 1 ? whole(least) : MAP_TEXT.range(whole(least), whole(next - 1));
}

function Table({ countries, links }: Shared): VNode {
  return (
    <section
      class="map-table"
      aria-label={MAP_TEXT.table}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be within reach of a keyboard.
      tabIndex={0}
    >
      <table>
        <TableHead heading={MAP_TEXT.country} columns={[MAP_TEXT.visitors]} />
        <tbody>
          {countries.map(({ value, visitors }) => (
            <tr>
              <th scope="row">
                <a href={links.withValue('country', value)}>
                  <bdi>{valueName('country', value)}</bdi>
                </a>
              </th>
              <td class="number">{whole(visitors)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
