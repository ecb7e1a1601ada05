import type { Money } from '../../domain/money.ts';

/** Formats revenue as `€9,193.00`, with one amount for each currency. */
export function sumsText(sums: readonly Money[]): string {
  return sums.map(moneyText).join(', ');
}

function moneyText({ amount: sum, currency }: Money): string {
  if (currency !== null && /^[A-Z]{3}$/.test(currency))
    return new Intl.NumberFormat('en', {
      style: 'currency',
      currency,
      currencyDisplay: 'narrowSymbol',
    }).format(sum);
  return `${new Intl.NumberFormat('en', { maximumFractionDigits: 2 }).format(sum)}${currency === null ? '' : ` ${currency}`}`;
}
