/**
 * What reaches a goal. `page`: a view of a page that matches the pattern, as in `matchesPage`. `event`: an event whose name is the
 * pattern.
 */
export interface GoalTarget {
  kind: 'page' | 'event';
  pattern: string;
  /** Further patterns of the same pages, on a site that merges trailing slashes. */
  alternatives?: readonly string[];
}
