import { type Clock, MINUTE_MS } from '../clock.ts';
import { newToken } from '../tokens.ts';

/** Log-ins that still want their second factor: in memory, for minutes. */

const LASTS_MS = 10 * MINUTE_MS;
const MAX = 10_000;

export class PendingLogins {
  readonly #clock: Clock;
  readonly #byToken = new Map<string, { accountId: string; endsMs: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(accountId: string): string {
    const token = newToken();
    this.#byToken.set(token, { accountId, endsMs: this.#clock.now() + LASTS_MS });
    if (this.#byToken.size > MAX) this.#byToken.delete(this.#byToken.keys().next().value ?? '');
    return token;
  }

  accountOf(token: string): string | null {
    const found = this.#byToken.get(token);
    return found === undefined || found.endsMs <= this.#clock.now() ? null : found.accountId;
  }

  remove(token: string): void {
    this.#byToken.delete(token);
  }
}
