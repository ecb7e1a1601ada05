import { createHmac, randomBytes } from 'node:crypto';
import { sameText } from './tokens.ts';

/** The second factor: codes of six digits from a shared secret and the time. https://www.rfc-editor.org/rfc/rfc6238 */

const STEP_MS = 30_000;
const DIGITS = 6;
/** Clocks of phones differ: one step to either side counts. */
const STEPS_AROUND = [0, -1, 1];
const SECRET_BYTES = 20;
/** https://www.rfc-editor.org/rfc/rfc4648#section-6 */
const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

export function newTotpSecret(): string {
  let bits = 0;
  let held = 0;
  let text = '';
  for (const byte of randomBytes(SECRET_BYTES)) {
    held = (held << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += BASE32[(held >> bits) & 31];
    }
    held &= (1 << bits) - 1;
  }
  return text;
}

function bytesOf(secret: string): Buffer {
  let bits = 0;
  let held = 0;
  const bytes: number[] = [];
  for (const char of secret) {
    held = (held << 5) | BASE32.indexOf(char);
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      bytes.push((held >> bits) & 255);
      held &= (1 << bits) - 1;
    }
  }
  return Buffer.from(bytes);
}

/** The code of one step of time. https://www.rfc-editor.org/rfc/rfc4226#section-5.3 */
export function totpCode(secret: string, step: number): string {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(step));
  const mac = createHmac('sha1', bytesOf(secret)).update(counter).digest();
  const at = (mac.at(-1) ?? 0) & 15;
  return String((mac.readUInt32BE(at) & 0x7fffffff) % 10 ** DIGITS).padStart(DIGITS, '0');
}

/** The step whose code was typed, null where it is none of those around now. */
export function totpStep(secret: string, typed: string, atMs: number): number | null {
  const now = Math.floor(atMs / STEP_MS);
  const code = typed.replaceAll(/\s/g, '');
  const offset = STEPS_AROUND.find((around) => sameText(totpCode(secret, now + around), code));
  return offset === undefined ? null : now + offset;
}

/** The address that an app reads from a QR code. https://github.com/google/google-authenticator/wiki/Key-Uri-Format */
export function totpAddress(secret: string, email: string): string {
  return `otpauth://totp/AttractOS:${encodeURIComponent(email)}?secret=${secret}&issuer=AttractOS`;
}
