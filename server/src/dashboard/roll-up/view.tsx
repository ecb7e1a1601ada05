import type { ComponentChildren, VNode } from 'preact';
import { shownDomain } from '../../domain/hosts.ts';
import type { Site } from '../../store/contract/store.ts';
import { documentOf } from '../kit/document.tsx';
import { Menu } from '../kit/menu.tsx';
import type { Frame } from '../kit/parts.ts';
import { type MapProps, WorldMap } from '../map/view.tsx';
import { Details, type DetailsProps } from '../report/details.tsx';
import { titleOf } from '../report/details-tabs.ts';
import type { Invalid } from '../report/problems.ts';
import { Report, ReportProblems, type ReportProps } from '../report/report.tsx';
import { REPORT_TEXT } from '../report/text.ts';
import { ROLL_UP_TEXT } from './text.ts';

/** The report over several sites, with a menu to choose them. */

export interface RollUpFrame {
  frame: Frame;
  /** The chosen sites. */
  sites: readonly Site[];
  /** All sites that the user can choose. */
  seen: readonly Site[];
  /** The other parameters of the URL, which a new choice keeps. */
  kept: readonly (readonly [name: string, value: string])[];
}

/** @param title what else the page is about; null for the report itself */
function rollUpDocument(rollUp: RollUpFrame, title: string | null, children: ComponentChildren): string {
  const { frame, sites } = rollUp;
  const name = sites.length === 0 ? ROLL_UP_TEXT.problemTitle : ROLL_UP_TEXT.title(sites.length);
  return documentOf({
    frame,
    title: title === null ? name : `${title} · ${name}`,
    width: 'wide',
    children: (
      <>
        <div class="site-head">
          <p class="crumbs">
            <a href="/dashboard">{ROLL_UP_TEXT.sites}</a>
          </p>
          <Chooser {...rollUp} />
        </div>
        <h1 class="site-name">{name}</h1>
        {sites.length > 0 && <p class="hint">{ROLL_UP_TEXT.hint}</p>}
        {children as VNode}
      </>
    ),
  });
}

function Chooser({ sites, seen, kept }: RollUpFrame): VNode {
  const chosen = new Set(sites.map(({ id }) => id));
  return (
    <Menu name={ROLL_UP_TEXT.choose}>
      <form method="get" action="/dashboard/roll-up" class="roll-up-menu">
        {kept.map(([name, value]) => (
          <input type="hidden" name={name} value={value} />
        ))}
        <ul>
          {seen.map(({ id, domain }) => (
            <li>
              <label class="check">
                <input type="checkbox" name="site" value={id} checked={chosen.has(id)} />{' '}
                <bdi>{shownDomain(domain)}</bdi>
              </label>
            </li>
          ))}
        </ul>
        <button type="submit" class="primary small">
          {ROLL_UP_TEXT.show}
        </button>
      </form>
    </Menu>
  );
}

/** Creates the report page of a roll-up. */
export function rollUpPage(rollUp: RollUpFrame, report: ReportProps): string {
  return rollUpDocument(rollUp, null, <Report {...report} />);
}

/** Creates the page of a table of a roll-up, with all its rows. */
export function rollUpDetailsPage(rollUp: RollUpFrame, details: DetailsProps): string {
  return rollUpDocument(rollUp, REPORT_TEXT.detailsTitle(titleOf(details.data.of)), <Details {...details} />);
}

/** Creates the page of the world map of a roll-up. */
export function rollUpMapPage(rollUp: RollUpFrame, map: MapProps): string {
  return rollUpDocument(rollUp, REPORT_TEXT.worldMap, <WorldMap {...map} />);
}

/** Creates the page that says what is wrong with the URL of a roll-up. */
export function invalidRollUpPage(rollUp: RollUpFrame, invalid: Invalid): string {
  return rollUpDocument(rollUp, REPORT_TEXT.problemTitle, <ReportProblems {...invalid} />);
}
