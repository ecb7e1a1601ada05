import { may } from '../../app/access.ts';
import { goalsOf } from '../../app/goals.ts';
import {
  isSameSaved,
  mayChangeSaved,
  problemOfSaved,
  SAVED_PARAMETERS,
  savablePart,
} from '../../app/saved-queries.ts';
import type { Registry, SavedQuery } from '../../store/contract/store.ts';
import type { Frame, SiteRequest } from '../kit/parts.ts';
import { pathOfPlace, type SavedKind, type SavedPlace, withPlace } from './kind.ts';

/** Loads the saved queries that a person sees at a site. */

export interface SavedItem {
  saved: SavedQuery;
  /** The page with this one's parameters in place of its own. */
  href: string;
  /** Whether the page has its parameters. */
  isActive: boolean;
  mayChange: boolean;
  /** What it stands for, in words. */
  words: readonly string[];
  /** Why it cannot be used, as a sentence; null if it can. */
  problem: string | null;
}

export interface SavedData {
  kind: SavedKind;
  frame: Frame;
  /** The path that changes are sent to, and of the page of all. */
  path: string;
  /** The page that one is opened on. */
  place: { href: string; tab: SavedPlace };
  /** The parameters of that page, and its name, to return to it. */
  back: string;
  items: readonly SavedItem[];
  /** The part of the page's parameters that can be saved; null if there is none. */
  current: string | null;
  /** Whether the person may save for the team. */
  mayShare: boolean;
}

/** @param page the page that saved queries are opened on, and its parameters */
export async function loadSaved(
  registry: Pick<Registry, 'savedQueriesOf' | 'goalsOf'>,
  { site, user, role, frame }: Pick<SiteRequest, 'site' | 'user' | 'role' | 'frame'>,
  kind: SavedKind,
  { place, query }: { place: SavedPlace; query: URLSearchParams },
): Promise<SavedData> {
  const base = `/dashboard/sites/${site.id}`;
  const href = pathOfPlace(base, place);
  const current = savablePart(kind.kind, query);
  const list = await registry.savedQueriesOf(site.id, kind.kind, user.account.id);
  const goals = list.length === 0 ? [] : await goalsOf({ registry }, site);
  return {
    ...{ kind, frame, current, path: `${base}/${kind.path}` },
    place: { href: addressOf(href, query), tab: place },
    back: withPlace(query, place, kind),
    items: list.map((saved) => ({
      saved,
      href: addressOf(href, withSaved(query, saved)),
      isActive: current !== null && isSameSaved(kind.kind, saved.query, current),
      mayChange: mayChangeSaved(saved, role),
      words: kind.describe(new URLSearchParams(saved.query), goals),
      problem: problemOfSaved(saved, goals, site),
    })),
    mayShare: may(role, 'configure'),
  };
}

/** Replaces the parameters of a page that a saved query stands for. */
function withSaved(query: URLSearchParams, { kind, query: saved }: SavedQuery): URLSearchParams {
  const next = new URLSearchParams(query);
  for (const name of SAVED_PARAMETERS[kind]) next.delete(name);
  for (const [name, value] of new URLSearchParams(saved)) next.append(name, value);
  return next;
}

/** Returns a URL with a query string, if that is not empty. */
export function addressOf(path: string, query: URLSearchParams | string): string {
  const text = query.toString();
  return text === '' ? path : `${path}?${text}`;
}
