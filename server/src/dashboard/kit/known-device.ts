import { sameText, sealOf } from '../../domain/tokens.ts';
import type { Credentials } from '../../store/contract/store.ts';

/**
 * Browsers in which an account was signed in to. Their guesses are counted apart, so that strangers who guess cannot lock the
 * owner out. https://owasp.org/www-community/Slow_Down_Online_Guessing_Attacks_with_Device_Cookies
 */

/** Returns the proof that is kept in a cookie. Only the server can create it, and a new password makes it worthless. */
export function deviceProof({ accountId, passwordHash }: Credentials): string {
  return sealOf(`device ${accountId}`, passwordHash);
}

/** Whether a browser has the proof of an account. */
export function isKnownDevice(proof: string | null, credentials: Credentials): boolean {
  return proof !== null && sameText(proof, deviceProof(credentials));
}
