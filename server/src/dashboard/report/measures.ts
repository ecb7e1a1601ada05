import type { Measures } from '../../store/store.ts';

/** The numbers of a report: what each is called, what it means, and how it is written. */

export interface Figure {
  id: string;
  name: string;
  definition: string;
  of(measures: Measures): number;
  text(value: number): string;
  /** Whether more of it is bad news. */
  lessIsBetter?: boolean;
}

const WHOLE = new Intl.NumberFormat('en');
const SHORT = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });

export function short(value: number): string {
  return Math.abs(value) < 10_000 ? WHOLE.format(value) : SHORT.format(value);
}

export function duration(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 60
    ? `${minutes} m ${String(seconds % 60).padStart(2, '0')} s`
    : `${Math.floor(minutes / 60)} h ${minutes % 60} m`;
}

const share = (part: number, whole: number) => (whole === 0 ? 0 : part / whole);

export const FIGURES: readonly Figure[] = [
  {
    id: 'visitors',
    name: 'Visitors',
    definition:
      'People, as far as can be told without cookies: counted once per UTC day, since their pseudonym lives no longer.',
    of: ({ visitors }) => visitors,
    text: short,
  },
  {
    id: 'visits',
    name: 'Visits',
    definition:
      'A visitor’s views without a gap of 30 minutes. A visit belongs to the time in which it began.',
    of: ({ visits }) => visits,
    text: short,
  },
  {
    id: 'pageviews',
    name: 'Page views',
    definition: 'Pages seen, soft navigations of single-page apps included, each once.',
    of: ({ pageviews }) => pageviews,
    text: short,
  },
  {
    id: 'bounce',
    name: 'Bounce rate',
    definition:
      'Share of visits with one page view, no other event, and less than ten seconds of engaged time.',
    of: ({ bounces, visits }) => share(bounces, visits),
    text: (value) => `${Math.round(value * 100)} %`,
    lessIsBetter: true,
  },
  {
    id: 'engaged',
    name: 'Engaged time',
    definition: 'Time per visit in which a page was visible and in focus.',
    of: ({ engagedMs, visits }) => share(engagedMs, visits),
    text: duration,
  },
  {
    id: 'conversions',
    name: 'Conversions',
    definition: 'Events that your pages report besides page views.',
    of: ({ conversions }) => conversions,
    text: short,
  },
];

export function figureOf(id: string | null): Figure {
  const [first] = FIGURES;
  const found = FIGURES.find((figure) => figure.id === id) ?? first;
  if (found === undefined) throw new Error('there are no figures');
  return found;
}

/** Change against an earlier value, as a share of it; null where there is nothing to compare with. */
export function changeOf(value: number, earlier: number): number | null {
  return earlier === 0 ? null : (value - earlier) / earlier;
}
