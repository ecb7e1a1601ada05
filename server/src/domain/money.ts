/** An amount of one currency. */
export interface Money {
  /** ISO 4217 code; null if values were sent without a currency. */
  currency: string | null;
  amount: number;
}
