import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** Searches all stored bytes for data that must not be stored. */

/** Returns the encodings in which a text may be on disk. */
function spellings(mark: string | Uint8Array): Map<string, Buffer> {
  const bytes = Buffer.from(mark);
  const found = new Map([
    ['as it is', bytes],
    ['in hexadecimal', Buffer.from(bytes.toString('hex'))],
    ['in hexadecimal, upper case', Buffer.from(bytes.toString('hex').toUpperCase())],
    ...base64Spellings(bytes),
  ]);
  if (typeof mark === 'string') {
    found.set('in UTF-16', Buffer.from(mark, 'utf16le'));
    found.set('in UTF-16, big end first', Buffer.from(mark, 'utf16le').swap16());
    found.set('in an address', Buffer.from(encodeURIComponent(mark)));
    found.set('in lower case', Buffer.from(mark.toLowerCase()));
  }
  return found;
}

/** Returns the mark in base64 at each possible offset, without the characters that depend on its neighbors. */
function base64Spellings(bytes: Buffer): [string, Buffer][] {
  return [0, 1, 2].flatMap((offset) => {
    const encoded = Buffer.concat([Buffer.alloc(offset), bytes])
      .toString('base64')
      .replace(/=+$/, '');
    const first = offset === 0 ? 0 : offset + 1;
    const whole = encoded.slice(first, encoded.length - 2);
    return [
      [`in base64 (${offset})`, Buffer.from(whole)],
      [`in base64 for addresses (${offset})`, Buffer.from(whole.replaceAll('+', '-').replaceAll('/', '_'))],
    ] satisfies [string, Buffer][];
  });
}

/** Describes each place that contains a mark; empty if there is none. */
export function findMarks(
  marks: Readonly<Record<string, string | Uint8Array>>,
  haystacks: Readonly<Record<string, Buffer>>,
): string[] {
  return Object.entries(marks).flatMap(([what, mark]) =>
    [...spellings(mark)].flatMap(([how, bytes]) =>
      Object.entries(haystacks)
        .filter(([, haystack]) => haystack.includes(bytes))
        .map(([where]) => `${what} ${how} in ${where}`),
    ),
  );
}

/** Reads the bytes of every file below a folder. */
export function allFiles(folder: string): Record<string, Buffer> {
  return Object.fromEntries(
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((name) => statSync(join(folder, name)).isFile())
      .map((name) => [name, readFileSync(join(folder, name))]),
  );
}
