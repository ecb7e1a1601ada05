import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, stat, truncate } from 'node:fs/promises';

/**
 * The start of a backup's trailer, which holds a digest of everything before it. SQLite reads only the pages that its header
 * counts, so the file is still a valid database.
 */
const MARK = 'attractos-backup sha256 ';
const DIGEST_CHARS = 64;
const TRAILER_BYTES = MARK.length + DIGEST_CHARS + 1;

/** The length of the database header: https://www.sqlite.org/fileformat2.html#the_database_header */
const HEADER_BYTES = 100;
const MAGIC = 'SQLite format 3\0';
const PAGE_BYTES_AT = 16;
const PAGES_AT = 28;
/** The largest page size, which does not fit in the header's two bytes and is written as 1. */
const LARGEST_PAGE = { written: 1, bytes: 65_536 } as const;

/** Appends a file's checksum to the file and flushes it to disk. */
export async function appendChecksum(file: string): Promise<void> {
  const handle = await open(file, 'a');
  try {
    const { size } = await handle.stat();
    await handle.appendFile(`${MARK}${await digestOf(file, size)}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Removes the checksum from a file that ends with one. */
export async function removeChecksum(file: string): Promise<void> {
  await truncate(file, (await stat(file)).size - TRAILER_BYTES);
}

/** The result of checking a file's length and checksum. */
export type Wholeness = 'matches its checksum' | 'as long as its header says' | 'damaged' | 'no database';

/** Compares a file with the checksum at its end or, if there is none, its length with its header. Reads the whole file. */
export async function wholenessOf(file: string): Promise<Wholeness> {
  const handle = await open(file, 'r');
  try {
    const { size } = await handle.stat();
    const read = async (position: number, length: number) => {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, position);
      return buffer.subarray(0, bytesRead);
    };
    const header = await read(0, HEADER_BYTES);
    if (header.length < HEADER_BYTES || header.toString('latin1', 0, MAGIC.length) !== MAGIC)
      return 'no database';
    const trailer = (await read(Math.max(0, size - TRAILER_BYTES), TRAILER_BYTES)).toString('latin1');
    if (trailer.startsWith(MARK)) {
      const digest = await digestOf(file, size - TRAILER_BYTES);
      return trailer === `${MARK}${digest}\n` ? 'matches its checksum' : 'damaged';
    }
    const written = header.readUInt16BE(PAGE_BYTES_AT);
    const pageBytes = written === LARGEST_PAGE.written ? LARGEST_PAGE.bytes : written;
    return size === pageBytes * header.readUInt32BE(PAGES_AT) ? 'as long as its header says' : 'damaged';
  } finally {
    await handle.close();
  }
}

/** Computes the digest of a file's first bytes. */
async function digestOf(file: string, bytes: number): Promise<string> {
  const digest = createHash('sha256');
  for await (const chunk of createReadStream(file, { end: bytes - 1 })) digest.update(chunk as Buffer);
  return digest.digest('hex');
}
