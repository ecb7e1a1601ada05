import { randomBytes } from 'node:crypto';
import { Secret, TOTP } from 'otpauth';
import { MINUTE_MS } from '../domain/clock.ts';
import { isSealed, type SecretBox } from '../domain/secret-box.ts';
import { digestToken } from '../domain/tokens.ts';
import type { Credentials, Session } from '../store/contract/store.ts';
import type { Context } from './context.ts';
import { hashLike, hashWithSalt, newSalt } from './passwords.ts';

/**
 * Two-factor authentication: six-digit codes from a shared secret and the time. https://www.rfc-editor.org/rfc/rfc6238
 *
 * The secret is stored encrypted, for the account that it belongs to. Recovery codes are stored as slow hashes of their digest.
 * All codes of an account have the same salt, so that checking one takes a single hash. Earlier versions stored secrets in
 * base32 and codes as digests; `hardenSecondFactors` converts them.
 */

/** The parameters that every authenticator app supports. The period is in seconds. */
const CODES = { algorithm: 'SHA1', digits: 6, period: 30 };
/** The number of time steps accepted before and after the current one, because phone clocks are not exact. */
const WINDOW_STEPS = 1;
const SECRET_BYTES = 20;
const RECOVERY_CODES = 8;
const RECOVERY_CODE_BYTES = 8;
/** The longest text that is compared with the recovery codes. */
const RECOVERY_CODE_MAX_CHARS = 40;
/** How long an app can take to show the first code. */
const ENROLMENT_MS = 15 * MINUTE_MS;
/** A valid code, without spaces. otpauth compares codes of the same length, and throws for multi-byte characters. */
const CODE = /^\d{6}$/;

/** The dependencies of two-factor authentication. */
export interface SecondFactorContext extends Context {
  secretBox: SecretBox;
}

/** Whether a code is valid; `unreadable` if the secret was encrypted with another key, so that no app's code can be checked. */
export type CodeCheck = 'valid' | 'wrong' | 'unreadable';

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
  const token = withoutSpaces(typed);
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

/** Creates the secret of a new app. The registry keeps it for the session until a code confirms it, or for 15 minutes. */
export async function beginEnrolment(
  { registry, clock, secretBox }: SecondFactorContext,
  { id, accountId }: Pick<Session, 'id' | 'accountId'>,
): Promise<string> {
  const secret = newTotpSecret();
  await registry.setPendingTotp(id, secretBox.seal(secret, accountId), clock.now() + ENROLMENT_MS);
  return secret;
}

/** An app that is being set up. */
export interface Enrolment {
  /** In base32. */
  secret: string;
  /** The secret as the registry keeps it. */
  sealed: string;
}

/** Returns the app that a session is setting up; null if there is none, or if it took too long. */
export async function enrolmentOf(
  { registry, clock, secretBox }: SecondFactorContext,
  { id, accountId }: Pick<Session, 'id' | 'accountId'>,
): Promise<Enrolment | null> {
  const sealed = await registry.pendingTotp(id, clock.now());
  const secret = sealed === null ? null : secretBox.open(sealed, accountId);
  return sealed === null || secret === null ? null : { secret, sealed };
}

/**
 * Turns the second factor on with the app that a session has set up. The code that confirmed its secret cannot be used again.
 *
 * @param step the time step of that code
 * @returns the recovery codes, of which only hashes are kept; null if the session is no longer setting up this app
 */
export async function turnOnSecondFactor(
  { registry, record, secretBox }: Pick<SecondFactorContext, 'registry' | 'record' | 'secretBox'>,
  { id, accountId }: Pick<Session, 'id' | 'accountId'>,
  { secret, sealed, step }: Enrolment & { step: number },
): Promise<string[] | null> {
  if (!(await registry.usePendingTotp(id, sealed))) return null;
  const recoveryCodes = Array.from({ length: RECOVERY_CODES }, () =>
    randomBytes(RECOVERY_CODE_BYTES).toString('hex'),
  );
  const recoveryHashes = await slowHashes(recoveryCodes.map(digestToken));
  await registry.setTotp(accountId, { secret: secretBox.seal(secret, accountId), recoveryHashes });
  await registry.useTotpStep(accountId, step);
  await record({ accountId, event: 'second-factor-on' });
  return recoveryCodes;
}

/** Turns the second factor of an account off. */
export async function turnOffSecondFactor(
  { registry, record }: Pick<Context, 'registry' | 'record'>,
  accountId: string,
): Promise<void> {
  await registry.setTotp(accountId, null);
  await record({ accountId, event: 'second-factor-off' });
}

/**
 * Uses up a code of the app, or one of the recovery codes; each works once.
 *
 * @param isAllowed false to check the code as slowly, but to refuse it: the password was wrong, which must not show
 */
export async function useSecondFactor(
  context: SecondFactorContext,
  { accountId, totpSecret }: Pick<Credentials, 'accountId' | 'totpSecret'>,
  typed: string,
  isAllowed = true,
): Promise<CodeCheck> {
  const { registry, clock, secretBox } = context;
  if (!CODE.test(withoutSpaces(typed))) return useRecoveryCode(context, accountId, { typed, isAllowed });
  if (totpSecret === null) return 'wrong';
  const secret = openTotpSecret(secretBox, { accountId, totpSecret });
  if (secret === null) return 'unreadable';
  const step = totpStep(secret, typed, clock.now());
  return isAllowed && step !== null && (await registry.useTotpStep(accountId, step)) ? 'valid' : 'wrong';
}

async function useRecoveryCode(
  { registry, record }: Pick<Context, 'registry' | 'record'>,
  accountId: string,
  { typed, isAllowed }: { typed: string; isAllowed: boolean },
): Promise<CodeCheck> {
  const code = withoutSpaces(typed).toLowerCase();
  if (code === '' || code.length > RECOVERY_CODE_MAX_CHARS) return 'wrong';
  const digest = digestToken(code);
  const stored = await registry.recoveryHashesOf(accountId);
  const [first] = stored.filter(isSlowHash);
  const candidates = [digest, ...(first === undefined ? [] : [await hashLike(first, digest)])];
  const found = candidates.find((hash) => stored.includes(hash));
  const isUsed = isAllowed && found !== undefined && (await registry.useRecoveryCode(accountId, found));
  if (isUsed) await record({ accountId, event: 'recovery-code-used' });
  return isUsed ? 'valid' : 'wrong';
}

/** Decrypts the secret of an account; null if it was encrypted with another key. */
export function openTotpSecret(
  secretBox: SecretBox,
  { accountId, totpSecret }: { accountId: string; totpSecret: string },
): string | null {
  return isSealed(totpSecret) ? secretBox.open(totpSecret, accountId) : totpSecret;
}

/**
 * Converts what earlier versions stored: it encrypts secrets, and replaces fast hashes of recovery codes by slow ones.
 *
 * @returns the number of accounts whose secret was encrypted with another key
 */
export async function hardenSecondFactors(
  { registry, secretBox }: Pick<SecondFactorContext, 'registry' | 'secretBox'>,
  signal: AbortSignal,
): Promise<{ unreadable: number }> {
  let unreadable = 0;
  let found = await registry.secondFactorsAfter('');
  while (found.length > 0) {
    for (const { accountId, totpSecret, recoveryHashes } of found) {
      if (signal.aborted) return { unreadable };
      const secret = openTotpSecret(secretBox, { accountId, totpSecret });
      if (secret === null) unreadable += 1;
      else if (!isSealed(totpSecret))
        await registry.replaceTotpSecret(accountId, totpSecret, secretBox.seal(secret, accountId));
      const fast = recoveryHashes.filter((hash) => !isSlowHash(hash));
      const slow = await slowHashes(fast);
      for (const [i, hash] of fast.entries())
        await registry.replaceRecoveryHash(accountId, hash, slow[i] ?? hash);
    }
    found = await registry.secondFactorsAfter(found.at(-1)?.accountId ?? '');
  }
  return { unreadable };
}

/** Returns the stored form of recovery codes, all with the same salt. @param digests the digests of the codes */
async function slowHashes(digests: readonly string[]): Promise<string[]> {
  const salt = newSalt();
  const hashes: string[] = [];
  // One after the other, because each takes a thread and 19 MiB.
  for (const digest of digests) hashes.push(await hashWithSalt(digest, salt));
  return hashes;
}

function isSlowHash(hash: string): boolean {
  return hash.startsWith('$');
}

function withoutSpaces(typed: string): string {
  return typed.replaceAll(/\s/g, '');
}
