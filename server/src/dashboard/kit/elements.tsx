import type { ComponentChildren, VNode } from 'preact';
import { dateTime } from './format.ts';

/** Small elements of pages. */

/** A message at the top of a page, about what was done or what is wrong. */
export function Notice({
  kind,
  children,
}: {
  kind: 'done' | 'wrong' | 'note';
  children: ComponentChildren;
}): VNode {
  return (
    <div class={`notice notice-${kind}`} role={kind === 'wrong' ? 'alert' : 'status'}>
      <span class="notice-mark" aria-hidden="true">
        {kind === 'done' ? '✓' : kind === 'wrong' ? '!' : 'i'}
      </span>
      <div>{children}</div>
    </div>
  );
}

/** The bar behind a row, as long as its share. */
export function Bar({ percent }: { percent: number }): VNode {
  return (
    <svg class="bar" aria-hidden="true" preserveAspectRatio="none">
      <rect width={`${percent.toFixed(1)}%`} height="100%" rx="4" />
    </svg>
  );
}

/** The head of a table of numbers. @param columns the names of the numbers */
export function TableHead({
  heading,
  columns,
}: {
  heading: ComponentChildren;
  columns: readonly string[];
}): VNode {
  return (
    <thead>
      <tr>
        <th scope="col">{heading}</th>
        {columns.map((column) => (
          <th scope="col" class="number">
            {column}
          </th>
        ))}
      </tr>
    </thead>
  );
}

/** A row of a table with bars: its share, what it is, and its numbers. */
export interface BarRow {
  percent: number;
  value: VNode;
  numbers: readonly string[];
}

/** A table with a bar behind each row. @param columns the names of the numbers */
export function BarTable({
  heading,
  columns,
  rows,
}: {
  heading: ComponentChildren;
  columns: readonly string[];
  rows: readonly BarRow[];
}): VNode {
  return (
    <table class="bars">
      <TableHead heading={heading} columns={columns} />
      <tbody>
        {rows.map(({ percent, value, numbers }) => (
          <tr>
            <th scope="row">
              <Bar percent={percent} />
              {value}
            </th>
            {numbers.map((number) => (
              <td class="number">{number}</td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** A text with a copy button, which appears only if JavaScript is on. */
export function Copyable({ id, text, label }: { id: string; text: string; label: string }): VNode {
  return (
    <div class="copyable">
      <pre id={id}>
        <code>{text}</code>
      </pre>
      <button type="button" class="small" data-copy={id} hidden>
        Copy<span class="visually-hidden"> {label}</span>
      </button>
    </div>
  );
}

/** A term and its value, in a `dl`. */
export function Pair({ name, value }: { name: string; value: string }): VNode {
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        <code>{value}</code>
      </dd>
    </div>
  );
}

export function Card({
  title,
  id,
  children,
}: {
  title?: string;
  id?: string;
  children: ComponentChildren;
}): VNode {
  return (
    <section class="card" aria-labelledby={title === undefined ? undefined : id}>
      {title !== undefined && <h2 id={id}>{title}</h2>}
      {children}
    </section>
  );
}

const RELATIVE = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });
const STEPS = [
  ['second', 60],
  ['minute', 60],
  ['hour', 24],
  ['day', 30],
  ['month', 12],
  ['year', Number.POSITIVE_INFINITY],
] as const;

/** A relative time, such as `5 minutes ago`, with the instant as its title. */
export function Ago({ atMs, nowMs }: { atMs: number; nowMs: number }): VNode {
  let amount = (atMs - nowMs) / 1000;
  let text = '';
  for (const [unit, size] of STEPS) {
    if (Math.abs(amount) < size) {
      text =
        unit === 'second' && Math.abs(amount) < 10 ? 'just now' : RELATIVE.format(Math.round(amount), unit);
      break;
    }
    amount /= size;
  }
  const iso = new Date(atMs).toISOString();
  return (
    <time dateTime={iso} title={`${dateTime(atMs, 'UTC')} UTC`}>
      {text}
    </time>
  );
}
