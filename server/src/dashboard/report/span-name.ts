import type { Span } from '../../app/reports/spans.ts';
import { dateRange } from '../kit/format.ts';

/** Returns the display name of a span: `Last 28 days`, or the dates of a custom range. */
export function spanName({ range, name, firstDay, lastDay }: Omit<Span, 'boundariesMs'>): string {
  return range === 'custom' ? dateRange(firstDay, lastDay) : name;
}
