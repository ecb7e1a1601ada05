import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** Looks for what must not be there, byte by byte, in everything that is there. */

/** The ways in which a text could be lying on a disk. */
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

/** Base64 of the mark wherever it starts in what was encoded: only the characters that depend on nothing else. */
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

/** Each place where a mark stands, in words; empty where there is none. */
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

/** The bytes of every file below a folder. */
export function allFiles(folder: string): Record<string, Buffer> {
  return Object.fromEntries(
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((name) => statSync(join(folder, name)).isFile())
      .map((name) => [name, readFileSync(join(folder, name))]),
  );
}
