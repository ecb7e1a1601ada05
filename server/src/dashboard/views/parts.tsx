import type { ComponentChildren, VNode } from 'preact';

/** The small pieces that pages are made of. */

export function Field({
  name,
  label,
  hint,
  error,
  ...input
}: {
  name: string;
  label: string;
  hint?: ComponentChildren;
  error?: string | undefined;
  type?: string;
  value?: string;
  autocomplete?: string;
  required?: boolean;
  autofocus?: boolean;
  placeholder?: string;
  minlength?: number;
  maxlength?: number;
  inputmode?: 'numeric' | 'url' | 'email';
}): VNode {
  const described = [
    hint === undefined ? '' : `${name}-hint`,
    error === undefined ? '' : `${name}-error`,
  ].filter(Boolean);
  // The renderer's types know one shape for every type of input; a field here may be any.
  const attributes: Record<string, unknown> = {
    ...input,
    'aria-describedby': described.length === 0 ? undefined : described.join(' '),
    'aria-invalid': error === undefined ? undefined : 'true',
  };
  return (
    <div class="field">
      <label for={name}>{label}</label>
      {hint !== undefined && (
        <p class="hint" id={`${name}-hint`}>
          {hint}
        </p>
      )}
      <input id={name} name={name} spellcheck={false} autocapitalize="none" {...attributes} />
      {error !== undefined && (
        <p class="error" id={`${name}-error`}>
          {error}
        </p>
      )}
    </div>
  );
}

/** Said once, on top of a page: what was done, or what is wrong. */
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

/** Text to be copied. The button is there once the script runs. */
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

const WHOLE = new Intl.NumberFormat('en');

export function whole(number: number): string {
  return WHOLE.format(number);
}

export function plural(number: number, one: string, many = `${one}s`): string {
  return `${whole(number)} ${number === 1 ? one : many}`;
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

/** `5 minutes ago`; the title holds the instant. */
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
    <time dateTime={iso} title={`${iso.slice(0, 10)} ${iso.slice(11, 19)} UTC`}>
      {text}
    </time>
  );
}

/** `2026-01-15`, UTC. */
export function date(atMs: number): string {
  return new Date(atMs).toISOString().slice(0, 10);
}
