import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';

/** Encryption of secrets that the server must be able to read, such as those of two-factor authentication. */

/** A secret key: printable ASCII without spaces, so that it can be written in an environment or a file. */
export const SECRET_KEY = /^[!-~]{32,}$/;

/** https://nvlpubs.nist.gov/nistpubs/Legacy/SP/nistspecialpublication800-38d.pdf */
const CIPHER = 'aes-256-gcm';
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** Begins every encrypted text. Base32, in which earlier versions stored secrets, has no such characters. */
const PREFIX = 'aes256gcm:';

/** Encrypts texts with a key that is derived from the secret key. */
export class SecretBox {
  readonly #key: Uint8Array;

  constructor(secretKey: string) {
    this.#key = new Uint8Array(hkdfSync('sha256', secretKey, '', 'attractos stored secrets', KEY_BYTES));
  }

  /** Encrypts a text. @param owner what the text belongs to, such as an account's id; it opens for no other owner */
  seal(text: string, owner: string): string {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv(CIPHER, this.#key, nonce, { authTagLength: TAG_BYTES }).setAAD(
      Buffer.from(owner),
    );
    const sealed = Buffer.concat([nonce, cipher.update(text), cipher.final(), cipher.getAuthTag()]);
    return `${PREFIX}${sealed.toString('base64url')}`;
  }

  /** Decrypts a text; null if it was encrypted with another key or for another owner, or if it was changed. */
  open(sealed: string, owner: string): string | null {
    const text = sealed.slice(PREFIX.length);
    const bytes = Buffer.from(text, 'base64url');
    // Node ignores what does not belong there.
    if (!isSealed(sealed) || bytes.toString('base64url') !== text) return null;
    if (bytes.length < NONCE_BYTES + TAG_BYTES) return null;
    const decipher = createDecipheriv(CIPHER, this.#key, bytes.subarray(0, NONCE_BYTES), {
      authTagLength: TAG_BYTES,
    })
      .setAAD(Buffer.from(owner))
      .setAuthTag(bytes.subarray(-TAG_BYTES));
    try {
      const opened = decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES));
      return Buffer.concat([opened, decipher.final()]).toString();
    } catch {
      return null;
    }
  }
}

/** Whether a text is an encrypted one. */
export function isSealed(text: string): boolean {
  return text.startsWith(PREFIX);
}
