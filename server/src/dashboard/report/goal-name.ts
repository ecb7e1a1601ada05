import { displayPage } from '../../domain/page-path.ts';
import type { Goal } from '../../store/contract/store.ts';
import { REPORT_TEXT } from './text.ts';

/** Returns the display name of a goal: the name of its event, or `Visit /thanks`. */
export function goalName({ kind, pattern }: Goal): string {
  return kind === 'page' ? REPORT_TEXT.visitPage(displayPage(pattern)) : pattern;
}
