import type { VNode } from 'preact';
import { authPage, type FormState, PASSWORD_HINT } from '../kit/auth-layout.tsx';
import { EmailField, NewPasswordField } from '../kit/credential-fields.tsx';
import { Notice } from '../kit/elements.tsx';
import { Form } from '../kit/form.tsx';
import type { Frame } from '../kit/parts.ts';
import { RESET_TEXT } from './text.ts';

/** Password reset: the request for a link, and the page that the link opens. */

export interface ForgotParts {
  /** Whether links are sent by email. */
  byMail: boolean;
  /** The email address for which a link was requested. The page is the same whether or not it has an account. */
  askedFor?: string;
  state?: FormState;
}

export function forgotPage(frame: Frame, { byMail, askedFor, state = {} }: ForgotParts): string {
  return authPage(frame, {
    title: RESET_TEXT.title,
    heading: RESET_TEXT.heading,
    state,
    children: (
      <>
        {askedFor !== undefined ? (
          <Notice kind="done">{RESET_TEXT.sent(askedFor)}</Notice>
        ) : byMail ? (
          <AskForLink frame={frame} state={state} />
        ) : (
          <>
            <p>{RESET_TEXT.byAdministrator}</p>
            <pre>
              <code>{frame.command} account reset-link --email you@example.com</code>
            </pre>
          </>
        )}
        <p>
          <a href="/login">{RESET_TEXT.back}</a>
        </p>
      </>
    ),
  });
}

function AskForLink({ frame, state }: { frame: Frame; state: FormState }): VNode {
  return (
    <Form frame={frame} action="/forgot" class="stack">
      <EmailField autofocus value={state.email ?? ''} hint={RESET_TEXT.emailHint} />
      <button type="submit" class="primary">
        {RESET_TEXT.sendLink}
      </button>
    </Form>
  );
}

/** Creates the page of a link by which the operator lets someone in while passwords are refused. */
export function signInLinkPage(frame: Frame, { token, email }: { token: string; email: string }): string {
  return authPage(frame, {
    title: RESET_TEXT.signIn,
    intro: RESET_TEXT.signInIntro(email),
    children: (
      <Form frame={frame} action="/reset" class="stack" hidden={{ token }}>
        <button type="submit" class="primary">
          {RESET_TEXT.signIn}
        </button>
      </Form>
    ),
  });
}

export function resetPage(
  frame: Frame,
  { token, email, state = {} }: { token: string; email: string | null; state?: FormState },
): string {
  if (email === null)
    return authPage(frame, {
      title: RESET_TEXT.newPassword,
      heading: RESET_TEXT.over,
      children: (
        <>
          <p>
            {RESET_TEXT.overHint} <a href="/forgot">{RESET_TEXT.again}</a>
          </p>
        </>
      ),
    });
  return authPage(frame, {
    title: RESET_TEXT.newPassword,
    intro: RESET_TEXT.intro(email),
    state,
    children: (
      <>
        <Form frame={frame} action="/reset" class="stack" hidden={{ token }}>
          <input type="hidden" name="username" value={email} autocomplete="username" />
          <NewPasswordField
            label={RESET_TEXT.newPassword}
            hint={PASSWORD_HINT}
            error={state.errors?.password}
            autofocus
          />
          <button type="submit" class="primary">
            {RESET_TEXT.set}
          </button>
        </Form>
      </>
    ),
  });
}
