import type { ComponentChildren } from 'preact';
import { documentOf } from './document.tsx';
import { Notice } from './elements.tsx';
import type { Frame } from './parts.ts';

/** The layout of pages with a single card, such as signing in. */

export interface FormState {
  email?: string;
  /** The error of the whole form. */
  problem?: string | undefined;
  errors?: Partial<Record<'email' | 'password' | 'code', string | undefined>>;
}

/** The hint for a new password. */
export const PASSWORD_HINT = 'At least 10 characters. Try a passphrase of several unrelated words.';

/** Creates a page with a single card. */
export function authPage(
  frame: Frame,
  {
    title,
    heading = title,
    intro,
    state,
    children,
  }: {
    title: string;
    /** The heading, if it differs from the title. */
    heading?: string;
    intro?: string;
    state?: FormState;
    children: ComponentChildren;
  },
): string {
  return documentOf({
    frame,
    title,
    width: 'narrow',
    children: (
      <div class="alone">
        <h1>{heading}</h1>
        {intro !== undefined && <p class="lead">{intro}</p>}
        {state?.problem !== undefined && <Notice kind="wrong">{state.problem}</Notice>}
        {children}
      </div>
    ),
  });
}
