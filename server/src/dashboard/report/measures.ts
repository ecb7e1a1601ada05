import type { Measures } from '../../domain/measures.ts';
import { duration, percent, short, whole } from '../kit/format.ts';

/** The measures of a report: their names, definitions and formats. */

export type Unit = 'count' | 'share' | 'time';

export interface Figure {
  id: string;
  name: string;
  definition: string;
  of(measures: Measures): number;
  /** What the values are: numbers of something, parts of a whole from 0 to 1, or milliseconds. */
  unit: Unit;
  /** Formats a value, rounded. */
  text(value: number): string;
  /** Whether an increase is bad. */
  lessIsBetter?: boolean;
}

/** The id of the figure that is custom events, or what reached goals. */
export const CONVERSIONS = 'conversions';

const share = (part: number, whole: number) => (whole === 0 ? 0 : part / whole);

export const FIGURES: readonly Figure[] = [
  {
    id: 'visitors',
    name: 'Visitors',
    definition: 'Unique visitors, counted once per UTC day because the anonymous ID is deleted daily.',
    of: ({ visitors }) => visitors,
    unit: 'count',
    text: short,
  },
  {
    id: 'visits',
    name: 'Visits',
    definition:
      'A visitor’s activity with no gap of 30 minutes or more. A visit belongs to the period in which it started.',
    of: ({ visits }) => visits,
    unit: 'count',
    text: short,
  },
  {
    id: 'pageviews',
    name: 'Page views',
    definition: 'Pages viewed, including navigation within single-page apps.',
    of: ({ pageviews }) => pageviews,
    unit: 'count',
    text: short,
  },
  {
    id: 'bounce',
    name: 'Bounce rate',
    definition:
      'Share of visits with one page view, no other interactive event and less than ten seconds of engaged time.',
    of: ({ bounces, visits }) => share(bounces, visits),
    unit: 'share',
    text: (value) => percent(value),
    lessIsBetter: true,
  },
  {
    id: 'engaged',
    name: 'Engaged time',
    definition: 'Average time per visit during which a page was visible and in focus.',
    of: ({ engagedMs, visits }) => share(engagedMs, visits),
    unit: 'time',
    text: duration,
  },
  {
    id: CONVERSIONS,
    name: 'Custom events',
    definition: 'Events that you send in addition to page views, such as sign-ups.',
    of: ({ conversions }) => conversions,
    unit: 'count',
    text: short,
  },
];

/** The figure in place of custom events on a site with goals. */
const GOALS_REACHED = {
  name: 'Conversions',
  definition:
    'Page views and events that reached a goal of this site. One that reached several goals counts once.',
};

/** Returns the figures of a site. With goals, conversions are what reached one. */
export function figuresOf(hasGoals: boolean): readonly Figure[] {
  if (!hasGoals) return FIGURES;
  return FIGURES.map((figure) => (figure.id === CONVERSIONS ? { ...figure, ...GOALS_REACHED } : figure));
}

export function figureOf(id: string | null, figures: readonly Figure[] = FIGURES): Figure {
  const [first] = figures;
  const found = figures.find((figure) => figure.id === id) ?? first;
  if (found === undefined) throw new Error('there are no figures');
  return found;
}

/** Returns the change relative to an earlier value; null if there is nothing to compare with. */
export function changeOf(value: number, earlier: number): number | null {
  return earlier === 0 ? null : (value - earlier) / earlier;
}

/** Formats a value of a figure exactly, for tables. */
export function exactText({ unit, text }: Figure, value: number): string {
  if (unit === 'count') return whole(value);
  return unit === 'share' ? percent(value, 1) : text(value);
}

/** Formats the change relative to an earlier value as `+12%` or `−3%`; null if there is nothing to compare with. */
export function changeText(value: number, earlier: number): string | null {
  const change = changeOf(value, earlier);
  if (change === null) return null;
  const percents = Math.round(change * 100);
  return `${percents > 0 ? '+' : percents < 0 ? '−' : '±'}${Math.abs(percents)}%`;
}
