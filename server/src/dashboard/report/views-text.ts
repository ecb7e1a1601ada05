import {
  RATINGS,
  type Rating,
  ratingOf,
  scrollDepth,
  type ViewFigures,
  type Vital,
  type VitalFigures,
} from '../../domain/vitals.ts';
import { percent } from '../kit/format.ts';
import { REPORT_TEXT } from './text.ts';

/** Formats what the ends of views say. */

/** Formats the mean scroll depth. */
export function depthText(figures: ViewFigures): string {
  const depth = scrollDepth(figures);
  return depth === null ? '–' : percent(depth / 100);
}

/** Formats a figure of a web vital as `180 ms` or `2.4 s`; a layout shift as `0.12`. */
export function vitalText({ unit }: Vital, figure: number): string {
  if (unit === null) return figure.toFixed(2);
  return figure < 1000 ? `${Math.round(figure)} ms` : `${(figure / 1000).toFixed(2)} s`;
}

export function ratingName(rating: Rating): string {
  return REPORT_TEXT.ratings[RATINGS.indexOf(rating)] ?? rating;
}

/** Formats the percentile of a web vital with its rating, as `2.40 s, good`. */
export function ratedText(vital: Vital, { p75 }: VitalFigures): string {
  return p75 === null ? '–' : `${vitalText(vital, p75)}, ${ratingName(ratingOf(vital, p75))}`;
}
