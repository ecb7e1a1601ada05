import type { ComponentChildren, VNode } from 'preact';
import { EMAIL_MAX_CHARS } from '../../app/inputs.ts';
import { PASSWORD_MAX_CHARS, PASSWORD_MIN_CHARS } from '../../app/passwords.ts';
import { Field } from './form.tsx';

/** Fields for credentials, with the limits of the use cases. */

interface Props {
  name?: string;
  label?: string;
  hint?: ComponentChildren;
  error?: string | undefined;
  autofocus?: boolean;
}

/** A field for the email address of an account, or of an invited person. */
export function EmailField({
  name = 'email',
  label = 'Email address',
  autocomplete = 'username',
  ...more
}: Props & { autocomplete?: string; value?: string }): VNode {
  return (
    <Field {...{ name, label, autocomplete, ...more }} type="email" required maxlength={EMAIL_MAX_CHARS} />
  );
}

/** A field for the current password. */
export function PasswordField({ name = 'password', label = 'Password', ...more }: Props): VNode {
  return (
    <Field
      {...{ name, label, ...more }}
      type="password"
      autocomplete="current-password"
      required
      maxlength={PASSWORD_MAX_CHARS}
    />
  );
}

/** A field for a new password. */
export function NewPasswordField({ name = 'password', label = 'Password', ...more }: Props): VNode {
  return (
    <Field
      {...{ name, label, ...more }}
      type="password"
      autocomplete="new-password"
      required
      minlength={PASSWORD_MIN_CHARS}
      maxlength={PASSWORD_MAX_CHARS}
    />
  );
}
