import type { VNode } from 'preact';
import { SEARCH_MAX_CHARS } from '../../app/reports/filters.ts';
import { Notice } from '../kit/elements.tsx';
import { dateTime, isolated } from '../kit/format.ts';
import { type DetailsData, headingOf } from './details-data.ts';
import { DETAILS_ROWS, type DetailsColumn, type DetailsRow } from './details-table.ts';
import { tabsOf, titleOf } from './details-tabs.ts';
import { filterName } from './filter-name.ts';
import type { DetailsParameters, Links } from './links.ts';
import { spanName } from './span-name.ts';
import { REPORT_TEXT } from './text.ts';
import { ValueIcon } from './value-icon.tsx';

/**
 * A table with all its rows, page by page. It is a page of its own; where scripts run, links of a report open it over the report,
 * and `data-` attributes tell them which links and forms change the table.
 */

export interface DetailsProps {
  data: DetailsData;
  /** The links of the report. */
  links: Links;
}

/** Returns the parameters of the URL that the table was asked with, without its page. */
function viewOf({ of, details: { search, sort } }: DetailsData): DetailsParameters {
  return {
    by: of.by,
    table: of.kind === 'vitals' || of.kind === 'ai' ? of.kind : null,
    search: search === '' ? null : search,
    sort: sort?.by ?? null,
    order: sort?.ascending ? 'asc' : null,
  };
}

export function Details({ data, links }: DetailsProps): VNode {
  const { of, asked, goals, span, zone, eventsSinceMs, rows, details } = data;
  const heading = headingOf(of);
  return (
    <section class="card details" aria-labelledby="details-title" data-details-view>
      <p class="details-back">
        <a href={links.with({}, '', anchorOf(data))}>{REPORT_TEXT.backToReport}</a>
      </p>
      <div class="panel-head">
        <h2 id="details-title" tabIndex={-1}>
          <bdi>{titleOf(of)}</bdi>
        </h2>
        <Tabs data={data} links={links} />
      </div>
      <p class="hint">
        {REPORT_TEXT.panelTime(spanName(span), zone)}
        {asked.length > 0 &&
          of.by !== 'bot' &&
          ` ${REPORT_TEXT.filteredBy(asked.map((filter) => filterName(filter, goals)))}`}
      </p>
      {eventsSinceMs !== null && (
        <Notice kind="note">{REPORT_TEXT.eventsSince(dateTime(eventsSinceMs, zone))}</Notice>
      )}
      <Search data={data} links={links} />
      {rows.length === 0 ? (
        <p class="hint empty">
          {details.search === '' ? REPORT_TEXT.noData : REPORT_TEXT.nothingFound(isolated(details.search))}
        </p>
      ) : (
        <section
          class="scrolls"
          aria-label={REPORT_TEXT.detailsTable(isolated(heading))}
          // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be within reach of a keyboard.
          tabIndex={0}
        >
          <Table data={data} links={links} />
        </section>
      )}
      <End data={data} links={links} />
    </section>
  );
}

function anchorOf({ of }: DetailsData): string {
  const id = tabsOf(of).panel;
  return id === null ? '' : `#${id}`;
}

/** Links to the other tables of the panel. */
function Tabs({ data: { of }, links }: DetailsProps): VNode | null {
  const { tabs } = tabsOf(of);
  if (tabs.length < 2) return null;
  return (
    <nav aria-label={REPORT_TEXT.tabs(titleOf(of))}>
      <ul>
        {tabs.map(({ by, table, name }) => (
          <li>
            <a
              href={links.details({ by, table })}
              aria-current={
                by === of.by && table === (of.kind === 'rows' ? null : of.kind) ? 'true' : undefined
              }
              data-details
            >
              <bdi>{name}</bdi>
            </a>
          </li>
        ))}
      </ul>
    </nav>
  );
}

function Search({ data, links }: DetailsProps): VNode {
  const { search } = data.details;
  const heading = isolated(headingOf(data.of));
  const view = { ...viewOf(data), search: null };
  const fields = [...new URL(links.details(view), 'http://details').searchParams];
  return (
    <form class="details-search" method="get" action={`${links.base}/details`} data-details>
      {fields.map(([name, value]) => (
        <input type="hidden" name={name} value={value} />
      ))}
      <label class="visually-hidden" for="details-search">
        {REPORT_TEXT.searchIn(heading)}
      </label>
      <input
        type="search"
        id="details-search"
        name="search"
        value={search}
        placeholder={REPORT_TEXT.searchIn(heading)}
        maxLength={SEARCH_MAX_CHARS}
        autocomplete="off"
      />
      <button type="submit">{REPORT_TEXT.search}</button>
      {search !== '' && (
        <a href={links.details(view)} data-details>
          {REPORT_TEXT.clearSearch}
        </a>
      )}
    </form>
  );
}

function Table({ data, links }: DetailsProps): VNode {
  return (
    <table class="details-table" id="details-table">
      <thead>
        <tr>
          <th scope="col">
            <bdi>{headingOf(data.of)}</bdi>
          </th>
          {data.columns.map((column) => (
            <Heading column={column} data={data} links={links} />
          ))}
        </tr>
      </thead>
      <tbody>
        {data.rows.map((row) => (
          <tr>
            <th scope="row">
              <Name row={row} data={data} links={links} />
            </th>
            {row.cells.map((cell) => (
              <td class="number">{cell}</td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** The heading of a column, which sorts by it; once more, in the other direction. */
function Heading({
  column: { name, definition, sort },
  data,
  links,
}: DetailsProps & { column: DetailsColumn }) {
  const title = definition ?? undefined;
  if (sort === null)
    return (
      <th scope="col" class="number" title={title}>
        {name}
      </th>
    );
  const { sort: current } = data.details;
  const isCurrent = sort === (current?.by ?? 'visitors');
  const isAscending = isCurrent && current?.ascending === true;
  const turned = isCurrent && !isAscending;
  return (
    <th
      scope="col"
      class="number"
      title={title}
      aria-sort={isCurrent ? (isAscending ? 'ascending' : 'descending') : undefined}
    >
      <a
        id={`details-sort-${sort}`}
        href={links.details({ ...viewOf(data), sort, order: turned ? 'asc' : null })}
        data-details
      >
        {name}
      </a>
    </th>
  );
}

function Name({ row, data: { of }, links }: DetailsProps & { row: DetailsRow }): VNode {
  const { name, note, value, filterBy } = row;
  const shown = (
    <>
      {of.kind !== 'goals' && <ValueIcon by={of.by} row={{ value, company: note }} />}
      <bdi>{name}</bdi>
    </>
  );
  if (filterBy === null)
    return (
      <>
        {shown}
        {note !== null && <span class="hint"> {note}</span>}
      </>
    );
  return (
    <a href={links.withValue(filterBy, value)} title={REPORT_TEXT.filterByValue(isolated(name))}>
      {shown}
    </a>
  );
}

/** How many rows there are on this page, the links to further ones, and what can be done with them. */
function End({ data, links }: DetailsProps): VNode {
  const { rows, nextCursor, details } = data;
  const view = viewOf(data);
  return (
    <div class="details-end">
      <p class="hint" role="status">
        {REPORT_TEXT.rowsShown} <span data-details-count>{rows.length}</span>
      </p>
      {details.cursor !== null && (
        <a href={links.details(view)} data-details>
          {REPORT_TEXT.firstRows(DETAILS_ROWS)}
        </a>
      )}
      {nextCursor !== null && (
        <a class="button small" href={links.details({ ...view, cursor: nextCursor })} data-details-more>
          {REPORT_TEXT.nextRows(DETAILS_ROWS)}
        </a>
      )}
      {rows.length > 0 && (
        <button type="button" class="small" data-copy="details-table" hidden>
          {REPORT_TEXT.copyTable}
          <span class="visually-hidden"> {REPORT_TEXT.copyTableOf}</span>
        </button>
      )}
      <a href={links.with({ ...view }, '/rows.csv')} download>
        {REPORT_TEXT.csvAllRows}
      </a>
    </div>
  );
}
