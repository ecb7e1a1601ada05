import { utcDay } from '../../../domain/clock.ts';
import type { Server } from '../../drivers/clickhouse.ts';
import { day, integer, text } from '../warehouse/literal.ts';
import { ENTRIES } from '../warehouse/schema.ts';

interface Span {
  siteId: string;
  fromMs: number;
  toMs: number;
}

function botsIn({ siteId, fromMs, toMs }: Span): string {
  return `FROM ${ENTRIES} FINAL WHERE site_id = ${text(siteId)} AND kind = 'bot'
    AND day >= ${day(utcDay(fromMs))} AND day <= ${day(utcDay(toMs - 1))}
    AND received_at >= ${integer(fromMs)} AND received_at < ${integer(toMs)}`;
}

/** Bot visits by bucket: bucket i goes from boundary i up to boundary i + 1. */
export async function botsByBucket(
  server: Server,
  siteId: string,
  boundariesMs: readonly number[],
): Promise<Map<number, number>> {
  const span = { siteId, fromMs: boundariesMs[0] ?? 0, toMs: boundariesMs.at(-1) ?? 0 };
  const boundaries = boundariesMs.map(integer).join(', ');
  const rows = await server.rows(
    `SELECT arrayCount(b -> b <= received_at, [${boundaries}]) - 1 AS bucket, count() AS n ${botsIn(span)} GROUP BY bucket`,
  );
  return new Map(rows.map((row) => [Number(row.bucket), Number(row.n)]));
}

/** Bot visits by name, each with who runs it. */
export async function botsByName(
  server: Server,
  span: Span,
): Promise<{ bot: string; company: string | null; visits: number }[]> {
  const rows = await server.rows(
    `SELECT bot, max(company) AS by_company, count() AS n ${botsIn(span)} GROUP BY bot`,
  );
  return rows.map((row) => ({
    bot: String(row.bot),
    company: row.by_company === null ? null : String(row.by_company),
    visits: Number(row.n),
  }));
}
