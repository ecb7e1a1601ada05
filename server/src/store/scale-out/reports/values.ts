import type { Dimension } from '../../../domain/dimensions.ts';
import type { Filter } from '../../contract/store.ts';
import {
  type OptionalColumn,
  PROFILE_COLUMNS,
  type ProfileColumn,
  type Visit,
  type VisitEvent,
} from './visit-stream.ts';

type By = Exclude<Dimension, 'bot'>;

const PROP = 'prop:';

function isOfProfile(by: string): by is ProfileColumn {
  return (PROFILE_COLUMNS as readonly string[]).includes(by);
}

/** Whether all events of a visit have the same value. */
export function isOfVisits(by: By): boolean {
  return isOfProfile(by) || by === 'entry' || by === 'exit';
}

/** What is needed of rows to tell a dimension. */
export function columnOf(by: By): OptionalColumn | null {
  if (isOfProfile(by)) return by;
  if (by === 'page' || by === 'entry' || by === 'exit') return 'path';
  if (by === 'host') return 'host';
  return by === 'event' ? null : 'props';
}

/** The value of a dimension; null for "not known". */
export function dimensionValue(by: By, visit: Visit, event: VisitEvent): string | null {
  if (isOfProfile(by)) return visit.profile[by];
  switch (by) {
    case 'page':
      return event.page;
    case 'entry':
      return visit.events[0]?.page ?? null;
    case 'exit':
      return visit.events.at(-1)?.page ?? null;
    case 'host':
      return event.host;
    case 'event':
      return event.name;
    default: {
      const name = by.slice(PROP.length);
      return event.props !== null && Object.hasOwn(event.props, name) ? String(event.props[name]) : null;
    }
  }
}

/** Whether a filter keeps an event of a visit. */
export function matches({ by, values, negated }: Filter, visit: Visit, event: VisitEvent): boolean {
  return values.includes(dimensionValue(by, visit, event)) !== negated;
}
