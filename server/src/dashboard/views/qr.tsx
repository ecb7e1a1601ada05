import type { VNode } from 'preact';
import { encode } from 'uqr';

/** Modules of white around the code: ISO/IEC 18004 asks for four. */
const QUIET = 4;

/** A text as a QR code, black on white in every theme, since not every camera reads the reverse. */
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

/** The dark modules of a row, one rectangle for those that touch. */
function pathOf(row: readonly boolean[], y: number): string {
  const line = row.map((isDark) => (isDark ? '#' : ' ')).join('');
  return [...line.matchAll(/#+/g)]
    .map(({ index, 0: { length } }) => `M${index} ${y}h${length}v1h-${length}z`)
    .join('');
}
