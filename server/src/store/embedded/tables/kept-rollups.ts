import { DAY_MS } from '../../../domain/clock.ts';
import type { Dimension } from '../../../domain/dimensions.ts';
import { QUARTER_MS } from '../../reports/rollups.ts';

/**
 * The dimensions of the table `facets`, which are stored by position. It keeps rollups of days whose rows retention deleted
 * before rollups were in files.
 */
export const FACETS: readonly Exclude<Dimension, `prop:${string}`>[] = [
  ...(['page', 'entry', 'exit', 'host', 'source', 'channel', 'campaign', 'country'] as const),
  ...(['device', 'browser', 'os', 'event', 'bot'] as const),
];

/** The table `slots` numbers the quarters of an hour since 1970. */
export const SLOTS_PER_DAY = DAY_MS / QUARTER_MS;
