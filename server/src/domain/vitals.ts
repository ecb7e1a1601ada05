/**
 * The web vitals of page views, in display order, with the thresholds that Google publishes for the 75th percentile of views:
 * https://web.dev/articles/vitals, and https://web.dev/articles/fcp and https://web.dev/articles/ttfb for the last two.
 * API, dashboard and store share this table.
 */
export const VITALS = [
  {
    name: 'lcp',
    about: 'Loading',
    short: 'LCP',
    label: 'Largest Contentful Paint',
    meaning: 'loading: when the largest text or image was drawn',
    unit: 'ms',
    good: 2_500,
    poor: 4_000,
  },
  {
    name: 'inp',
    about: 'Responsiveness',
    short: 'INP',
    label: 'Interaction to Next Paint',
    meaning: 'responsiveness: the delay from a click, tap or key to the next frame, of about the slowest one',
    unit: 'ms',
    good: 200,
    poor: 500,
  },
  {
    name: 'cls',
    about: 'Layout shift, a score without a unit',
    short: 'CLS',
    label: 'Cumulative Layout Shift',
    meaning: 'visual stability: how much of the page moved by itself. A score without a unit',
    unit: null,
    good: 0.1,
    poor: 0.25,
  },
  {
    name: 'fcp',
    about: 'First content',
    short: 'FCP',
    label: 'First Contentful Paint',
    meaning: 'loading: when the first text or image was drawn',
    unit: 'ms',
    good: 1_800,
    poor: 3_000,
  },
  {
    name: 'ttfb',
    about: 'Server response',
    short: 'TTFB',
    label: 'Time to First Byte',
    meaning: 'server and network: when the first byte of the page arrived',
    unit: 'ms',
    good: 800,
    poor: 1_800,
  },
] as const;

export type Vital = (typeof VITALS)[number];
export type VitalName = Vital['name'];

/** The ratings of a figure: good up to the first threshold, poor above the second. */
export const RATINGS = ['good', 'needs-improvement', 'poor'] as const;
export type Rating = (typeof RATINGS)[number];

/** Rates a figure of a web vital. */
export function ratingOf({ good, poor }: Pick<Vital, 'good' | 'poor'>, figure: number): Rating {
  if (figure <= good) return 'good';
  return figure <= poor ? 'needs-improvement' : 'poor';
}

/** What is reported when views end: how far visitors scrolled, and web vitals. */
export interface ViewFigures {
  /** Views that ended. */
  views: number;
  /** Views with a known scroll depth. */
  scrolled: number;
  /** The sum of their scroll depths, in percent of the page. */
  scrollSum: number;
  vitals: Readonly<Record<VitalName, VitalFigures>>;
}

/** A web vital of several views. Every sample is good, or needs improvement, or is poor. */
export interface VitalFigures {
  /** The 75th percentile by nearest rank, which is one of the samples; null if there are none. */
  p75: number | null;
  samples: number;
  good: number;
  needsImprovement: number;
  poor: number;
}

/** The mean scroll depth in percent; null if none is known. */
export function scrollDepth({
  scrolled,
  scrollSum,
}: Pick<ViewFigures, 'scrolled' | 'scrollSum'>): number | null {
  return scrolled === 0 ? null : scrollSum / scrolled;
}
