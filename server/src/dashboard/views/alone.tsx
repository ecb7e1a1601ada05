import type { ComponentChildren, VNode } from 'preact';
import { Field, Notice } from './parts.tsx';

/** What the pages share on which somebody who is not signed in says who he is. */

export interface FormState {
  email?: string;
  /** What is wrong with the form as a whole. */
  problem?: string | undefined;
  errors?: Partial<Record<'email' | 'password' | 'code', string>>;
}

/** Of a password that is chosen. */
const PASSWORD_HINT = 'At least 10 characters. A few words that only you would put together are fine.';

/** A page that has this on it and nothing else. */
export function Alone({
  title,
  intro,
  state,
  children,
}: {
  title: string;
  intro?: string;
  state?: FormState;
  children: ComponentChildren;
}): VNode {
  return (
    <div class="alone">
      <h1>{title}</h1>
      {intro !== undefined && <p class="lead">{intro}</p>}
      {state?.problem !== undefined && <Notice kind="wrong">{state.problem}</Notice>}
      {children}
    </div>
  );
}

/** The address of an account, as it was typed last. */
export function EmailField({
  state,
  hint,
  error,
}: {
  state: FormState;
  hint?: string;
  error?: string | undefined;
}): VNode {
  return (
    <Field
      name="email"
      label="E-mail address"
      type="email"
      autocomplete="username"
      required
      autofocus
      maxlength={254}
      value={state.email ?? ''}
      {...(hint === undefined ? {} : { hint })}
      error={error}
    />
  );
}

/** A password that is being chosen. */
export function NewPasswordField({
  label,
  state,
  autofocus = false,
}: {
  label: string;
  state: FormState;
  autofocus?: boolean;
}): VNode {
  return (
    <Field
      name="password"
      label={label}
      type="password"
      autocomplete="new-password"
      required
      autofocus={autofocus}
      minlength={10}
      maxlength={200}
      hint={PASSWORD_HINT}
      error={state.errors?.password}
    />
  );
}
