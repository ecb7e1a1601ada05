import { hash, verify } from '@node-rs/argon2';

/**
 * The minimum parameters that OWASP recommends for argon2id:
 * https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html
 */
const COST = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };

export const PASSWORD_MIN_CHARS = 10;
/** The longest password. Hashing longer ones would only cost time. */
export const PASSWORD_MAX_CHARS = 200;

/** Returns the hash of a password as a PHC string. */
export function hashPassword(password: string): Promise<string> {
  return hash(password, COST);
}

export function verifyPassword(password: string, passwordHash: string): Promise<boolean> {
  return verify(passwordHash, password);
}
