import { storedPage } from '../../domain/page-path.ts';
import type { PageRules } from '../../domain/value-names.ts';
import type { AskedReports, JourneyStep, Scope } from '../../store/contract/store.ts';
import { withSlashes } from '../goals.ts';

/** Journeys: what visits viewed before and after a page. */

export interface JourneyResult {
  /** From three pages before to three pages after. */
  steps: JourneyStep[];
  /** The visits that viewed the page. */
  visits: number;
  /** Of these, the visits whose first page it was. */
  began: number;
  /** Of these, the visits whose last page it was, as seen from its first view. */
  ended: number;
}

/**
 * Counts the pages around a page.
 *
 * @param page a path, in which `*` matches any text
 * @param rules which pages the site counts as one
 * @param limit the most pages of a step
 */
export async function journeyResult(
  reports: Pick<AskedReports, 'journeys'>,
  scope: Scope,
  { page, rules, limit }: { page: string; rules: PageRules; limit: number },
): Promise<JourneyResult> {
  const target = withSlashes({ kind: 'page', pattern: storedPage(page) }, rules);
  const steps = await reports.journeys(scope, target, limit);
  const visitsAt = (step: number) => steps.find((each) => each.step === step)?.visits ?? 0;
  const visits = visitsAt(0);
  return { steps, visits, began: visits - visitsAt(-1), ended: visits - visitsAt(1) };
}
