import { randomBytes } from 'node:crypto';
import { Secret, TOTP } from 'otpauth';
import { digestToken } from '../domain/tokens.ts';
import type { Credentials } from '../store/contract/store.ts';
import type { Context } from './context.ts';

/** Two-factor authentication: six-digit codes from a shared secret and the time. https://www.rfc-editor.org/rfc/rfc6238 */

/** The parameters that every authenticator app supports. The period is in seconds. */
const CODES = { algorithm: 'SHA1', digits: 6, period: 30 };
/** The number of time steps accepted before and after the current one, because phone clocks are not exact. */
const WINDOW_STEPS = 1;
const SECRET_BYTES = 20;
const RECOVERY_CODES = 8;
const RECOVERY_CODE_BYTES = 8;
/** A valid code, without spaces. otpauth compares codes of the same length, and throws for multi-byte characters. */
const CODE = /^\d{6}$/;

/** Creates a secret in base32. */
export function newTotpSecret(): string {
  return new Secret({ size: SECRET_BYTES }).base32;
}

/**
 * Finds the time step of a code. The caller must ensure that a step is used only once.
 *
 * @param secret in base32
 * @returns the step; null if the code is wrong or too old
 */
export function totpStep(secret: string, typed: string, atMs: number): number | null {
  const token = typed.replaceAll(/\s/g, '');
  if (!CODE.test(token)) return null;
  const now = { period: CODES.period, timestamp: atMs };
  const steps = TOTP.validate({
    ...CODES,
    ...now,
    ...{ token, secret: Secret.fromBase32(secret), window: WINDOW_STEPS },
  });
  return steps === null ? null : TOTP.counter(now) + steps;
}

/** Creates the URL that an app reads from a QR code. https://github.com/google/google-authenticator/wiki/Key-Uri-Format */
export function totpAddress(secret: string, email: string): string {
  return new TOTP({ ...CODES, issuer: 'AttractOS', label: email, secret }).toString();
}

/**
 * Turns the second factor on. The code that confirmed the secret cannot be used again.
 *
 * @param factor.step the time step of that code
 * @returns the recovery codes, of which only hashes are kept
 */
export async function turnOnSecondFactor(
  { registry }: Pick<Context, 'registry'>,
  accountId: string,
  { secret, step }: { secret: string; step: number },
): Promise<string[]> {
  const recoveryCodes = Array.from({ length: RECOVERY_CODES }, () =>
    randomBytes(RECOVERY_CODE_BYTES).toString('hex'),
  );
  await registry.setTotp(accountId, { secret, recoveryHashes: recoveryCodes.map(digestToken) });
  await registry.useTotpStep(accountId, step);
  return recoveryCodes;
}

/** Turns the second factor of an account off. */
export async function turnOffSecondFactor(
  { registry }: Pick<Context, 'registry'>,
  accountId: string,
): Promise<void> {
  await registry.setTotp(accountId, null);
}

/** Uses up a code of the app, or one of the recovery codes; each works once. @returns whether it was valid */
export async function useSecondFactor(
  { registry, clock }: Context,
  { accountId, totpSecret }: Pick<Credentials, 'accountId' | 'totpSecret'>,
  typed: string,
): Promise<boolean> {
  const step = totpSecret === null ? null : totpStep(totpSecret, typed, clock.now());
  return step === null
    ? registry.useRecoveryCode(accountId, digestToken(typed.trim().toLowerCase()))
    : registry.useTotpStep(accountId, step);
}
