import type { Theme } from '../kit/parts.ts';
import { PANELS } from './panels.ts';

/** How a report is shown, for frames on other pages: in one color scheme, without what surrounds it, or only some of its parts. */
export interface Appearance {
  theme: Theme | null;
  isBare: boolean;
  /** The ids of the parts that are shown; null for all. */
  parts: ReadonlySet<string> | null;
}

export const THEMES: readonly Theme[] = ['light', 'dark'];

/** The ids of a report's parts, in the order in which it has them. */
export const REPORT_PARTS: readonly string[] = [
  ...['figures', 'chart'],
  ...PANELS.map(({ id }) => id),
  ...['goals', 'views', 'ai', 'crawlers'],
];

/** Reads the appearance from a report's URL. What is invalid is a problem of the report (see `problems.ts`). */
export function appearanceOf(query: URLSearchParams): Appearance {
  return {
    theme: THEMES.find((theme) => theme === query.get('theme')) ?? null,
    isBare: query.get('frame') === 'none',
    parts: query.has('parts') ? new Set(partsIn(query)) : null,
  };
}

/** Lists the parts that a URL asks for, unknown ones included. */
export function partsIn(query: URLSearchParams): string[] {
  return (query.get('parts') ?? '').split(',').filter((part) => part !== '');
}
