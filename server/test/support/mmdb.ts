/** A text, a number, an array, or an object of them. */
export type RecordData = string | number | readonly RecordData[] | { readonly [name: string]: RecordData };

/** Builds a file in MaxMind's format with one network in it. https://maxmind.github.io/MaxMind-DB/ */
export function mmdbOf({
  network,
  bits,
  country = '',
  record = { country: { iso_code: country } },
}: {
  network: number[];
  bits: number;
  country?: string;
  /** The data of the network, if it is more than the country. */
  record?: RecordData;
}): Buffer {
  // One node per bit of the network: the matching branch leads to the next node, the other to no data.
  const nowhere = bits;
  const found = bits + 16; // the start of the data section, in the format's own arithmetic
  const tree = Buffer.alloc(bits * 6);
  for (let bit = 0; bit < bits; bit++) {
    const next = bit === bits - 1 ? found : bit + 1;
    const right = (((network[bit >> 3] ?? 0) >> (7 - (bit & 7))) & 1) === 1;
    tree.writeUIntBE(right ? nowhere : next, bit * 6, 3);
    tree.writeUIntBE(right ? next : nowhere, bit * 6 + 3, 3);
  }
  const data = encoded(record);
  const metadata = map([
    ['node_count', number(bits)],
    ['record_size', number(24)],
    ['ip_version', number(4)],
    ['database_type', text('Test-Country')],
    ['languages', Buffer.from([0x00, 0x04])],
    ['binary_format_major_version', number(2)],
    ['binary_format_minor_version', number(0)],
    ['build_epoch', number(1_700_000_000)],
    ['description', map([])],
  ]);
  const marker = Buffer.from('\xab\xcd\xefMaxMind.com', 'latin1');
  return Buffer.concat([tree, Buffer.alloc(16), data, marker, metadata]);
}

function encoded(data: RecordData): Buffer {
  if (typeof data === 'string') return text(data);
  if (typeof data === 'number') return number(data);
  if (!Array.isArray(data)) return map(Object.entries(data).map(([key, value]) => [key, encoded(value)]));
  // The type of arrays is an extended one: 7 more than the second byte.
  return Buffer.concat([Buffer.from([data.length, 0x04]), ...data.map(encoded)]);
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  // A size field of 29 means that the next byte holds the size minus 29.
  const head = bytes.length < 29 ? [0x40 | bytes.length] : [0x5d, bytes.length - 29];
  return Buffer.concat([Buffer.from(head), bytes]);
}

function number(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return Buffer.concat([Buffer.from([0xc4]), bytes]);
}

function map(entries: readonly (readonly [string, Buffer])[]): Buffer {
  return Buffer.concat([
    Buffer.from([0xe0 | entries.length]),
    ...entries.flatMap(([key, value]) => [text(key), value]),
  ]);
}
