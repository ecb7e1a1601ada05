import type { VNode } from 'preact';
import type { Dimension } from '../../domain/dimensions.ts';
import { valueName } from '../../domain/value-names.ts';
import type { BreakdownRow } from '../../store/contract/store.ts';
import { Flag } from '../kit/flag.tsx';
import { SourceMark } from '../kit/source-mark.tsx';

/** The icon before the name of a value: the mark of a source or crawler's company, or the flag of a place. */
export function ValueIcon({
  by,
  row: { value, company },
}: {
  by: Dimension;
  row: Pick<BreakdownRow, 'value' | 'company'>;
}): VNode | null {
  if (by === 'source') return <SourceMark name={valueName(by, value)} />;
  if (by === 'bot') return <SourceMark name={company ?? valueName(by, value)} />;
  // Regions and cities end in their country, such as `Bavaria, DE`.
  if (by === 'country' || by === 'region' || by === 'city') return <Flag code={(value ?? '').slice(-2)} />;
  return null;
}
