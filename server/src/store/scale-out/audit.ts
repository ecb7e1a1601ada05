import type { Audit } from '../contract/store.ts';
import type { Counts, Warehouse } from './shipping.ts';

/** Compares the rows with the counts, and with what reports read. They may differ briefly while batches are under way. */
export async function audit(
  warehouse: Pick<Warehouse, 'countAll' | 'reports'>,
  counts: Pick<Counts, 'audit'>,
): Promise<{ audit: Audit; newestEventMs: number | null }> {
  const { rows, newestAtMs } = await warehouse.countAll();
  const compared = await counts.audit(rows);
  return {
    audit: { ...compared, rollups: await warehouse.reports.audit(), integrity: [] },
    newestEventMs: newestAtMs,
  };
}
