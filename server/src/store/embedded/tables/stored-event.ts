import { CHANNELS } from '../../../domain/channels.ts';
import type { Props, StoredEvent } from '../../contract/store.ts';
import { readProfile } from './profile.ts';

/**
 * Selects events together with their visits, which hold the visitor's properties. Every event has a visit. The caller appends
 * WHERE and the order.
 */
export const SELECT_EVENTS = `
  SELECT e.at, e.n, e.value, e.view, e.interactive, v.visitor, v.width, v.channel,
    name.text AS name, host.text AS host, path.text AS path, query.text AS query, referrer.text AS referrer,
    nav.text AS nav, props.text AS props, currency.text AS currency, profile.text AS profile,
    agent.text AS agent, place.text AS place
  FROM events e
    JOIN visits v ON v.site = e.site AND v.day = e.at / 86400000 AND v.no = e.visit
    JOIN texts name ON name.id = e.name JOIN texts host ON host.id = e.host JOIN texts path ON path.id = e.path
    JOIN texts profile ON profile.id = v.profile
    LEFT JOIN texts agent ON agent.id = v.agent LEFT JOIN texts place ON place.id = v.place
    LEFT JOIN texts query ON query.id = e.query LEFT JOIN texts referrer ON referrer.id = e.referrer
    LEFT JOIN texts nav ON nav.id = e.nav LEFT JOIN texts props ON props.id = e.props
    LEFT JOIN texts currency ON currency.id = e.currency`;

/** Converts a row of `SELECT_EVENTS`. Read it with big integers, since hashes use all 64 bits. */
export function toStoredEvent(siteId: string, cursor: string, row: Record<string, unknown>): StoredEvent {
  const text = (column: string) => (row[column] === null ? null : String(row[column]));
  const number = (column: string) => (row[column] === null ? null : Number(row[column]));
  return {
    cursor,
    siteId,
    receivedAtMs: Number(row.at),
    name: String(row.name),
    interactive: row.interactive === null,
    host: String(row.host),
    // Earlier releases stored the query apart.
    path: String(row.path) + (text('query') ?? ''),
    referrer: text('referrer'),
    visitor: row.visitor as bigint, // STRICT INTEGER NOT NULL, read as bigint
    nav: text('nav'),
    props: row.props === null ? null : (JSON.parse(String(row.props)) as Props),
    value: number('value'),
    currency: text('currency'),
    view: row.view as bigint | null, // STRICT INTEGER, read as bigint
    width: number('width'),
    ...readProfile(text),
    channel: CHANNELS[Number(row.channel)] ?? 'direct',
  };
}
