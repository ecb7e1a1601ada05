import { hash } from 'node:crypto';

/** A strong entity tag for a body: https://www.rfc-editor.org/rfc/rfc9110#section-8.8.3 */
export function entityTag(body: string | Uint8Array): string {
  return `"${hash('sha256', body, 'base64url').slice(0, 27)}"`;
}

/** Whether an If-None-Match header names a tag: https://www.rfc-editor.org/rfc/rfc9110#section-13.1.2 */
export function matchesTag(ifNoneMatch: string | undefined, tag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  if (ifNoneMatch.trim() === '*') return true;
  return ifNoneMatch.split(',').some((candidate) => candidate.trim().replace(/^W\//, '') === tag);
}

/** A text to be sent, with its entity tag. */
export interface Tagged {
  body: string | Buffer;
  tag: string;
}

/** From this length on a text is sent as bytes: Node would put its headers before it by copying it more than once. */
const BYTES_FROM_CHARS = 32 * 1024;

export function tagged(text: string): Tagged {
  return { body: text.length < BYTES_FROM_CHARS ? text : Buffer.from(text), tag: entityTag(text) };
}
