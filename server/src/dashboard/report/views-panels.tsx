import type { VNode } from 'preact';
import { dimensionLabel, type ViewDimension } from '../../domain/dimensions.ts';
import { valueName } from '../../domain/value-names.ts';
import {
  type Rating,
  ratingOf,
  scrollDepth,
  VITALS,
  type Vital,
  type VitalFigures,
} from '../../domain/vitals.ts';
import type { ViewsRow } from '../../store/contract/store.ts';
import { BarTable } from '../kit/elements.tsx';
import { percent, short } from '../kit/format.ts';
import type { ReportData } from './data.ts';
import type { Links } from './links.ts';
import { PanelTabs } from './panel-tabs.tsx';
import { TablePanel } from './table-panel.tsx';
import { REPORT_TEXT } from './text.ts';
import { VITALS_TABS, type ViewsData } from './views-data.ts';
import { depthText, ratingName, vitalText } from './views-text.ts';

/** The panels of what the ends of views say. */

interface Shared {
  data: ReportData;
  views: ViewsData;
  links: Links;
  apiUrl: string | null;
}

/** The panels that have data. */
export function ViewPanels(shared: Shared): VNode {
  const { totals } = shared.views;
  return (
    <>
      {VITALS.some(({ name }) => totals.vitals[name].samples > 0) && <VitalsPanel {...shared} />}
      {totals.scrolled > 0 && <ScrollPanel {...shared} />}
    </>
  );
}

function VitalsPanel({ data, views, links, apiUrl }: Shared): VNode {
  const { totals, by, byTab } = views;
  const title = REPORT_TEXT.vitals;
  return (
    <TablePanel
      {...{ data, links, apiUrl, title, by }}
      id="vitals"
      table="vitals"
      definition={REPORT_TEXT.vitalsDefinition(
        VITALS.map(({ short, label, meaning }) => `${label} (${short}) is ${meaning}.`),
      )}
      more={byTab.more}
      head={<PanelTabs id="vitals" title={title} tabs={VITALS_TABS} current={by} links={links} />}
      isWide
    >
      <p class="hint">{REPORT_TEXT.vitalsHint}</p>
      <ul class="vitals">
        {VITALS.map((vital) => (
          <Tile vital={vital} figures={totals.vitals[vital.name]} />
        ))}
      </ul>
      {/* Wider than a phone, so it scrolls, which needs a focus for keyboards. */}
      <section
        class="scrolls vitals-table"
        aria-label={`${REPORT_TEXT.tabs(title)} ${dimensionLabel(by)}`}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be within reach of a keyboard.
        tabIndex={0}
      >
        <table>
          <thead>
            <tr>
              <th scope="col">{dimensionLabel(by)}</th>
              <th scope="col" class="number">
                {REPORT_TEXT.views}
              </th>
              {VITALS.map(({ short: name, label }) => (
                <th scope="col" class="number">
                  <abbr title={label}>{name}</abbr>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {byTab.rows.map((row) => (
              <tr>
                <th scope="row">
                  <Value by={by} row={row} links={links} />
                </th>
                <td class="number">{short(row.views)}</td>
                {VITALS.map((vital) => (
                  <Cell vital={vital} figures={row.vitals[vital.name]} />
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </TablePanel>
  );
}

/** A web vital of all views: its percentile, what that is in words, and how many views were good, and how many not. */
function Tile({ vital, figures }: { vital: Vital; figures: VitalFigures }): VNode {
  const { p75, samples, good, needsImprovement, poor } = figures;
  return (
    <li>
      <span class="figure-name">
        {vital.label} ({vital.short})
      </span>
      <span class="hint">{vital.about}</span>
      {p75 === null ? (
        <span class="hint">{REPORT_TEXT.notMeasured}</span>
      ) : (
        <>
          <strong>{vitalText(vital, p75)}</strong>
          <RatingWord rating={ratingOf(vital, p75)} />
          <span class="hint">
            {REPORT_TEXT.shares(
              samples,
              [good, needsImprovement, poor].map((n) => percent(n / samples)),
            )}
          </span>
        </>
      )}
    </li>
  );
}

function Cell({ vital, figures: { p75 } }: { vital: Vital; figures: VitalFigures }): VNode {
  if (p75 === null) return <td class="number">–</td>;
  return (
    <td class="number">
      {vitalText(vital, p75)} <RatingWord rating={ratingOf(vital, p75)} />
    </td>
  );
}

function RatingWord({ rating }: { rating: Rating }): VNode {
  return <span class={`rating rating-${rating}`}>{ratingName(rating)}</span>;
}

function ScrollPanel({ data, views: { totals, byPage }, links, apiUrl }: Shared): VNode {
  const rows = byPage.rows.filter(({ scrolled }) => scrolled > 0);
  return (
    <TablePanel
      {...{ data, links, apiUrl }}
      id="scroll"
      by="page"
      table="vitals"
      title={REPORT_TEXT.scroll}
      definition={REPORT_TEXT.scrollDefinition}
      more={byPage.more}
      head={<p class="hint">{REPORT_TEXT.meanDepth(depthText(totals))}</p>}
    >
      <BarTable
        heading={dimensionLabel('page')}
        columns={[REPORT_TEXT.views, REPORT_TEXT.depth]}
        rows={rows.map((row) => ({
          percent: scrollDepth(row) ?? 0,
          value: <Value by="page" row={row} links={links} />,
          numbers: [short(row.scrolled), depthText(row)],
        }))}
      />
    </TablePanel>
  );
}

function Value({ by, row, links }: { by: ViewDimension; row: ViewsRow; links: Links }): VNode {
  const name = valueName(by, row.value);
  return (
    <a class="value" href={links.withValue(by, row.value)} title={REPORT_TEXT.filterByValue(name)}>
      <bdi>{name}</bdi>
    </a>
  );
}
