import type { FilterSubject, ReportFilter } from '../../domain/filters.ts';
import { readReportFilters, withFilters, withoutValue, withValue } from './filters.ts';
import { PANELS } from './panels.ts';

/** Creates the links of a report: its own URL with changed parameters. */
export class Links {
  /** The path of the page. */
  readonly base: string;
  /** The active filters. */
  readonly filters: readonly ReportFilter[];
  readonly #query: URLSearchParams;
  readonly #kept: readonly string[];

  /** @param kept the parameters of the page; others are dropped */
  constructor(base: string, query: URLSearchParams, kept: readonly string[] = KEPT_PARAMETERS) {
    this.base = base;
    this.#kept = kept;
    this.#query = new URLSearchParams([...query].filter(([name]) => kept.includes(name)));
    this.filters = readReportFilters(query);
  }

  /** The query of the page. */
  get query(): string {
    return this.#query.toString();
  }

  /** The path that suggests values for filters: that of the report, also on other pages of the site or public link. */
  get suggestions(): string {
    return `${/^((\/dashboard\/sites|\/share)\/[^/]+|\/dashboard\/roll-up)/.exec(this.base)?.[0] ?? this.base}/suggestions`;
  }

  /** The sites of a roll-up, as they are chosen in its URL. */
  get sites(): string[] {
    return this.#query.getAll('site');
  }

  /** Returns the same links at another path. */
  at(base: string): Links {
    return new Links(base, this.#query, this.#kept);
  }

  /** Returns the URL of the report of a site, of the same period. Filters may be about pages of other sites. */
  ofSite(id: string): string {
    const query = new URLSearchParams([...this.#query].filter(([name]) => PERIOD_PARAMETERS.includes(name)));
    return `/dashboard/sites/${id}${query.size === 0 ? '' : `?${query}`}`;
  }

  /** Returns the URL with changed parameters; null removes one. */
  with(changes: Readonly<Record<string, string | null>>, suffix = '', anchor = ''): string {
    const query = new URLSearchParams(this.#query);
    for (const [name, value] of Object.entries(changes)) {
      if (value === null) query.delete(name);
      else query.set(name, value);
    }
    return this.#address(query, suffix, anchor);
  }

  /** Returns the URL of a table with all its rows, in the same report. */
  details(table: DetailsParameters): string {
    return this.with({ ...table }, '/details');
  }

  /** Returns the URL with a value of a dimension, or a goal, added to the filters. */
  withValue(by: FilterSubject, value: string | null): string {
    return this.#withFilters(withValue(this.filters, { by, operator: 'is', negated: false }, value));
  }

  /** Returns the links of the report with one filter more, for a value of a dimension. */
  narrowed(by: FilterSubject, value: string): Links {
    const filter: ReportFilter = { by, operator: 'is', negated: false, values: [value] };
    return new Links(this.base, withFilters(this.#query, [...this.filters, filter]), this.#kept);
  }

  /** Returns the URL without one value of a filter. @param filter one of `filters` */
  withoutValue(filter: ReportFilter, value: string | null): string {
    return this.#withFilters(withoutValue(this.filters, filter, value));
  }

  /** Returns the URL without a filter. @param filter one of `filters` */
  without(filter: ReportFilter): string {
    return this.#withFilters(this.filters.filter((one) => one !== filter));
  }

  /** Lists the other parameters as names and values, for the hidden fields of a form. */
  hidden(except: readonly string[]): [string, string][] {
    return [...this.#query].filter(([name]) => !except.includes(name));
  }

  /** Lists all parameters but a filter, for the hidden fields of a form that changes it. @param filter one of `filters` */
  hiddenWithout(filter: ReportFilter): [string, string][] {
    return [
      ...withFilters(
        this.#query,
        this.filters.filter((one) => one !== filter),
      ),
    ];
  }

  #withFilters(filters: readonly ReportFilter[]): string {
    return this.#address(withFilters(this.#query, filters));
  }

  #address(query: URLSearchParams, suffix = '', anchor = ''): string {
    const text = query.toString();
    return `${this.base}${suffix}${text === '' ? '' : `?${text}`}${anchor}`;
  }
}

/** The parameters of a table with all rows: which table it is, what is searched for, the sort and the page. */
export interface DetailsParameters {
  by: string;
  table: string | null;
  search?: string | null;
  sort?: string | null;
  order?: string | null;
  cursor?: string | null;
}

/** The parameters of the period, and of how it is shown. */
const PERIOD_PARAMETERS: readonly string[] = ['range', 'from', 'to', 'interval', 'compare', 'metric'];

/** The parameters that the links of a report keep. */
const KEPT_PARAMETERS: readonly string[] = [
  ...[...PERIOD_PARAMETERS, 'f'],
  ...[...PANELS.map(({ id }) => id), 'vitals'],
  // How the report is shown.
  ...['theme', 'frame', 'parts'],
];

/** The parameters that the links of a roll-up keep: its sites, too. */
export const ROLL_UP_PARAMETERS: readonly string[] = [...KEPT_PARAMETERS, 'site'];

/** The parameters of a report's URL, and of its tables. */
export const REPORT_PARAMETERS: readonly string[] = [...KEPT_PARAMETERS, 'by', 'table'];
