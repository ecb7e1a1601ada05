import type { ComponentChildren, VNode } from 'preact';
import type { Span } from '../../app/reports/spans.ts';
import type { Goal } from '../../store/contract/store.ts';
import { Copyable, Notice } from '../kit/elements.tsx';
import { dateRange } from '../kit/format.ts';
import { Chips } from './chips.tsx';
import { FilterMenu, TimeMenu } from './controls.tsx';
import type { Links } from './links.ts';
import { spanName } from './span-name.ts';
import { REPORT_TEXT } from './text.ts';

/** What pages with a question of their own about a site have in common, such as funnels and journeys. */

/** The beginning of such a page: its controls, its period, notices, and the active filters. */
export function PageHead({
  title,
  data,
  links,
  menus,
  children,
}: {
  title: string;
  data: {
    span: Span;
    zone: string;
    goals: readonly Goal[];
    properties: readonly string[];
    /** Parameters of the URL that mean nothing. */
    unknown: readonly string[];
  };
  links: Links;
  /** Further menus, between those of filters and period. */
  menus: ComponentChildren;
  /** The page's own notices. */
  children: ComponentChildren;
}): VNode {
  const { span, zone, goals, unknown } = data;
  return (
    <>
      <div class="controls">
        <h2 class="controls-title">{title}</h2>
        <FilterMenu data={data} links={links} />
        {menus as VNode}
        <TimeMenu data={data} links={links} />
      </div>
      <p class="on-paper">
        {dateRange(span.firstDay, span.lastDay)}, {zone}
      </p>
      {children as VNode}
      {unknown.length > 0 && <Notice kind="note">{REPORT_TEXT.unknownParameters(unknown)}</Notice>}
      <Chips data={{ goals: goals.map((goal) => ({ goal })) }} links={links} />
    </>
  );
}

/** About the answer of such a page: what it counts, its period, the CSV download and the curl command. */
export function AboutAnswer({
  title,
  definition,
  data: { span, zone },
  links,
  csv,
  curl,
}: {
  title: string;
  definition: string;
  data: { span: Span; zone: string };
  links: Links;
  /** The label of the CSV download. */
  csv: string;
  /** The command, if it is not too long, and its label. */
  curl: { id: string; text: string | null; label: string };
}): VNode {
  return (
    <details class="panel-foot">
      <summary>
        {REPORT_TEXT.details}
        <span class="visually-hidden"> {REPORT_TEXT.detailsOf(title)}</span>
      </summary>
      <p>{definition}</p>
      <p class="hint">{REPORT_TEXT.panelTime(spanName(span), zone)}</p>
      <p>
        <a href={links.with({}, '/rows.csv')} download>
          {csv}
        </a>
      </p>
      {curl.text === null ? (
        <p class="hint">{REPORT_TEXT.tooLong}</p>
      ) : (
        <Copyable id={curl.id} text={curl.text} label={curl.label} />
      )}
    </details>
  );
}
