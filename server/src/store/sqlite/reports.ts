import type { Measures, Reports } from '../store.ts';

const NOTHING: Measures = {
  visitors: 0,
  visits: 0,
  pageviews: 0,
  events: 0,
  conversions: 0,
  referrals: 0,
  bounces: 0,
  engagedMs: 0,
  botVisits: 0,
};

/** Answers of the right shape; the numbers follow. */
export class SqliteReports implements Reports {
  totals: Reports['totals'] = async () => NOTHING;
  series: Reports['series'] = async (_scope, boundariesMs) => boundariesMs.slice(1).map(() => NOTHING);
  breakdown: Reports['breakdown'] = async () => ({ rows: [], nextCursor: null });
  happenings: Reports['happenings'] = async () => ({ happenings: [], nextCursor: null });
  realtime: Reports['realtime'] = async () => ({ visitors: 0, pages: [] });
}
