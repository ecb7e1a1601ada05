import { breakdown } from './breakdown.ts';
import type { Endpoint } from './endpoint.ts';
import { events } from './events.ts';
import { exclusions } from './exclusions.ts';
import { funnel } from './funnel.ts';
import { goals } from './goals.ts';
import { journey } from './journey.ts';
import { ledger } from './ledger.ts';
import { realtime } from './realtime.ts';
import { segments } from './segments.ts';
import { site } from './site.ts';
import { sites } from './sites.ts';
import { stats } from './stats.ts';
import { timeseries } from './timeseries.ts';
import { usage } from './usage.ts';
import { vitals } from './vitals.ts';

/** All endpoints, in the order of the documentation. */
export const ENDPOINTS: readonly Endpoint[] = [
  sites,
  site,
  stats,
  timeseries,
  events,
  breakdown,
  vitals,
  goals,
  segments,
  funnel,
  journey,
  ledger,
  exclusions,
  realtime,
  usage,
];
