import type { Goal, SavedQueryKind } from '../../store/contract/store.ts';
import type { SiteTab } from '../kit/site-frame.tsx';

/** What differs between the kinds of saved queries, which the rooms that have them declare. */

export interface SavedKind {
  kind: SavedQueryKind;
  /** The last part of the path of its page. */
  path: string;
  /** The page where one is opened, unless another was left for the page of all. */
  home: SavedPlace;
  text: SavedText;
  /** Returns the parameters of one in words. */
  describe(query: URLSearchParams, goals: readonly Goal[]): readonly string[];
}

/** The texts that name the kind. */
export interface SavedText {
  title: string;
  lead: string;
  /** What to do before one can be saved. */
  none: string;
  save: string;
  update: string;
  manage: string;
}

/** A page of a site where saved queries are opened: its tab. */
export type SavedPlace = Extract<SiteTab, 'report' | 'funnels' | 'journeys'>;

const PLACES: Readonly<Record<SavedPlace, string>> = {
  report: '',
  funnels: '/funnels',
  journeys: '/journeys',
};

/** The parameter that names the page to go back to. */
export const PLACE_PARAMETER = 'back';

/** Returns the path of a page. @param base the path of the site */
export function pathOfPlace(base: string, place: SavedPlace): string {
  return `${base}${PLACES[place]}`;
}

/** Separates the page to go back to from its parameters. */
export function readPlace(
  query: URLSearchParams,
  { home }: Pick<SavedKind, 'home'>,
): { place: SavedPlace; query: URLSearchParams } {
  const named = query.get(PLACE_PARAMETER);
  const rest = new URLSearchParams(query);
  rest.delete(PLACE_PARAMETER);
  const known: readonly string[] = Object.keys(PLACES);
  return { place: known.includes(named ?? '') ? (named as SavedPlace) : home, query: rest };
}

/** Adds the page to go back to to its parameters. */
export function withPlace(
  query: URLSearchParams,
  place: SavedPlace,
  { home }: Pick<SavedKind, 'home'>,
): string {
  const next = new URLSearchParams(query);
  if (place !== home) next.set(PLACE_PARAMETER, place);
  return next.toString();
}
