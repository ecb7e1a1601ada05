import type { Sums } from '../../app/reports/revenue.ts';

/** Formats revenue as `€9,193.00`, with one amount for each currency. */
export function sumsText(sums: Sums): string {
  return [...sums].map(([currency, sum]) => moneyText(sum, currency)).join(', ');
}

function moneyText(sum: number, currency: string): string {
  if (/^[A-Z]{3}$/.test(currency))
    return new Intl.NumberFormat('en', {
      style: 'currency',
      currency,
      currencyDisplay: 'narrowSymbol',
    }).format(sum);
  return `${new Intl.NumberFormat('en', { maximumFractionDigits: 2 }).format(sum)}${currency === '' ? '' : ` ${currency}`}`;
}
