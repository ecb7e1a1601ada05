import { hash } from 'node:crypto';

/** Creates a strong entity tag for a body: https://www.rfc-editor.org/rfc/rfc9110#section-8.8.3 */
export function entityTag(body: string | Uint8Array): string {
  return `"${hash('sha256', body, 'base64url').slice(0, 27)}"`;
}

/**
 * Returns whether an If-None-Match header names a tag. Weak and strong tags with the same text match:
 * https://www.rfc-editor.org/rfc/rfc9110#section-13.1.2
 */
export function matchesTag(ifNoneMatch: string | undefined, tag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  if (ifNoneMatch.trim() === '*') return true;
  return ifNoneMatch.split(',').some((candidate) => opaqueTag(candidate) === opaqueTag(tag));
}

function opaqueTag(tag: string): string {
  return tag.trim().replace(/^W\//, '');
}
