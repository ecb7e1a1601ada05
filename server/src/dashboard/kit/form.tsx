import type { ComponentChildren, VNode } from 'preact';
import type { Frame } from './parts.ts';

/** Forms that change something, and their fields. */

/** A form that is sent by POST, with the page's CSRF token. */
export function Form({
  frame,
  action,
  class: layout,
  novalidate,
  hidden = {},
  children,
}: {
  frame: Frame;
  action: string;
  class?: string;
  novalidate?: boolean;
  /** The values of hidden fields, by name. */
  hidden?: Readonly<Record<string, string>>;
  children: ComponentChildren;
}): VNode {
  return (
    <form method="post" action={action} class={layout} novalidate={novalidate}>
      <Csrf frame={frame} />
      {Object.entries(hidden).map(([name, value]) => (
        <input type="hidden" name={name} value={value} />
      ))}
      {children}
    </form>
  );
}

/** The hidden field with the CSRF token, for every form that changes something. */
export function Csrf({ frame }: { frame: Frame }): VNode {
  return <input type="hidden" name="csrf" value={frame.csrf} />;
}

/** A form that consists of one small button. */
export function ButtonForm({
  about,
  label,
  ...form
}: {
  frame: Frame;
  action: string;
  hidden: Readonly<Record<string, string>>;
  label: string;
  /** The object of the action, for screen readers. */
  about: string;
}): VNode {
  return (
    <Form {...form}>
      <button type="submit" class="small">
        {label}
        <span class="visually-hidden"> {about}</span>
      </button>
    </Form>
  );
}

interface Described {
  name: string;
  label: string;
  hint?: ComponentChildren;
  error?: string | undefined;
}

/** A control with its label, hint and error. */
function Labelled({
  name,
  label,
  hint,
  error,
  children,
}: Described & { children: ComponentChildren }): VNode {
  return (
    <div class="field">
      <label for={name}>{label}</label>
      {hint !== undefined && (
        <p class="hint" id={`${name}-hint`}>
          {hint}
        </p>
      )}
      {children}
      {error !== undefined && (
        <p class="error" id={`${name}-error`}>
          {error}
        </p>
      )}
    </div>
  );
}

/** Returns the attributes that connect a control to its label, hint and error. */
function controlOf({ name, hint, error }: Omit<Described, 'label'>) {
  const described = [
    hint === undefined ? '' : `${name}-hint`,
    error === undefined ? '' : `${name}-error`,
  ].filter(Boolean);
  return {
    id: name,
    name,
    'aria-describedby': described.length === 0 ? undefined : described.join(' '),
    'aria-invalid': error === undefined ? undefined : ('true' as const),
  };
}

/** A text field of one line. */
export function Field({
  name,
  label,
  hint,
  error,
  ...input
}: Described & {
  type?: string;
  value?: string;
  autocomplete?: string;
  autocapitalize?: string;
  required?: boolean;
  autofocus?: boolean;
  placeholder?: string;
  minlength?: number;
  maxlength?: number;
  inputmode?: 'numeric' | 'url' | 'email';
}): VNode {
  // The renderer has a separate type for each type of input; this field can be any of them.
  const attributes: Record<string, unknown> = {
    ...{ spellcheck: false, autocapitalize: 'none' },
    ...input,
    ...controlOf({ name, hint, error }),
  };
  return (
    <Labelled name={name} label={label} hint={hint} error={error}>
      <input {...attributes} />
    </Labelled>
  );
}

/** A select field. */
export function SelectField({ children, ...field }: Described & { children: ComponentChildren }): VNode {
  return (
    <Labelled {...field}>
      <select {...controlOf(field)}>{children}</select>
    </Labelled>
  );
}

/** A text field of several lines. */
export function TextAreaField({
  value,
  rows = 4,
  ...field
}: Described & { value: string; rows?: number }): VNode {
  return (
    <Labelled {...field}>
      <textarea rows={rows} spellcheck={false} {...controlOf(field)}>
        {value}
      </textarea>
    </Labelled>
  );
}

/** An error of a form and its field. */
export interface FieldProblem {
  at: string;
  text: string;
}

/** Returns the error of a field; undefined if there is none, or it belongs to another field. */
export function errorAt(problem: FieldProblem | undefined, name: string): string | undefined {
  return problem?.at === name ? problem.text : undefined;
}
