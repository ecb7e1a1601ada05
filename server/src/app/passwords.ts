import { randomBytes } from 'node:crypto';
import { hash, verify } from '@node-rs/argon2';
import type { ZxcvbnFactory } from '@zxcvbn-ts/core';

/**
 * The minimum parameters that OWASP recommends for argon2id:
 * https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html
 */
const COST = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };

export const PASSWORD_MIN_CHARS = 10;
/** The shortest password of a public link, which is shared like the link itself. */
export const SHARE_PASSWORD_MIN_CHARS = 8;
/** The longest password. Hashing longer ones would only cost time. */
export const PASSWORD_MAX_CHARS = 200;

/** Returns the hash of a password as a PHC string. */
export function hashPassword(password: string): Promise<string> {
  return hash(password, COST);
}

export function verifyPassword(password: string, passwordHash: string): Promise<boolean> {
  return verify(passwordHash, password);
}

const SALT_BYTES = 16;

/** Creates a salt for `hashWithSalt`. */
export function newSalt(): Uint8Array {
  return randomBytes(SALT_BYTES);
}

/** Returns the hash of a text as a PHC string, which is the same for the same salt. */
export function hashWithSalt(text: string, salt: Uint8Array): Promise<string> {
  return hash(text, { ...COST, salt });
}

/** Hashes a text with the salt and the parameters of another hash, so that equal texts have equal hashes. */
export function hashLike(phc: string, text: string): Promise<string> {
  const [, memory, time, lanes, salt] = PHC.exec(phc) ?? [];
  if (salt === undefined) throw new Error('the hash is not a PHC string of argon2id');
  return hash(text, {
    ...{ memoryCost: Number(memory), timeCost: Number(time), parallelism: Number(lanes) },
    salt: Buffer.from(salt, 'base64'),
  });
}

/** https://github.com/P-H-C/phc-string-format/blob/master/phc-sf-spec.md */
const PHC = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$([^$]+)\$/;

/** The lowest score of a password that takes a million guesses or more. https://zxcvbn-ts.github.io/zxcvbn/guide/getting-started/ */
const SCORE_MIN = 2;
/** The longest part of a password that is estimated. The time grows with the square of the length. */
const ESTIMATED_MAX_CHARS = 64;

let estimator: Promise<ZxcvbnFactory> | undefined;

/** Whether a password is among the first million guesses: one of the most common passwords, or a simple pattern. */
export async function isGuessable(password: string): Promise<boolean> {
  estimator ??= makeEstimator();
  return (await estimator).check(password.slice(0, ESTIMATED_MAX_CHARS), ['attractos']).score < SCORE_MIN;
}

/** Loads the lists of passwords, which take some megabytes, when the first password is set. */
async function makeEstimator(): Promise<ZxcvbnFactory> {
  const [{ ZxcvbnFactory }, { adjacencyGraphs, dictionary }] = await Promise.all([
    import('@zxcvbn-ts/core'),
    import('@zxcvbn-ts/language-common'),
  ]);
  return new ZxcvbnFactory({ dictionary, graphs: adjacencyGraphs });
}
