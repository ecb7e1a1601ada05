import type { VNode } from 'preact';
import { encode } from 'uqr';

/** The quiet zone around the code: ISO/IEC 18004 requires four modules. */
const QUIET = 4;

/** A QR code of a text. It is black on white in every theme, because not every camera reads inverted codes. */
export function QrCode({ text, label }: { text: string; label: string }): VNode {
  const { size, data } = encode(text, { ecc: 'M', border: QUIET });
  return (
    <svg
      class="qr"
      viewBox={`0 0 ${size} ${size}`}
      role="img"
      aria-label={label}
      shape-rendering="crispEdges"
    >
      <rect width={size} height={size} fill="#fff" />
      <path d={data.map(pathOf).join('')} fill="#000" />
    </svg>
  );
}

/** Returns the path of a row's dark modules, with one rectangle for adjacent ones. */
function pathOf(row: readonly boolean[], y: number): string {
  const line = row.map((isDark) => (isDark ? '#' : ' ')).join('');
  return [...line.matchAll(/#+/g)]
    .map(({ index, 0: { length } }) => `M${index} ${y}h${length}v1h-${length}z`)
    .join('');
}
