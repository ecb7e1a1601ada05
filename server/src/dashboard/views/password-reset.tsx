import type { VNode } from 'preact';
import type { Frame } from '../parts.ts';
import { Alone, EmailField, type FormState, NewPasswordField } from './alone.tsx';
import { Csrf, documentOf } from './document.tsx';
import { Notice } from './parts.tsx';

/** A forgotten password: asking for a link, and what the link opens. */

export interface ForgotParts {
  /** Whether a link is sent by mail. */
  byMail: boolean;
  /** Said in the same words whether there is such an account or not. */
  askedFor?: string;
  state?: FormState;
}

export function forgotPage(frame: Frame, { byMail, askedFor, state = {} }: ForgotParts): string {
  return documentOf({
    frame,
    title: 'Forgot the password',
    width: 'narrow',
    children: (
      <Alone title="Forgot the password?" state={state}>
        {askedFor !== undefined ? (
          <Notice kind="done">
            If {askedFor} has an account here, a link is on its way to it. It is good once, for one hour.
            Nothing there after some minutes? Look into the spam, then ask whoever runs this installation.
          </Notice>
        ) : byMail ? (
          <AskForLink frame={frame} state={state} />
        ) : (
          <>
            <p>Whoever runs this installation makes a link for you, good once and for one hour:</p>
            <pre>
              <code>npm run -s attractos -- account reset-link --email you@example.com</code>
            </pre>
          </>
        )}
        <p>
          <a href="/login">Back to signing in</a>
        </p>
      </Alone>
    ),
  });
}

function AskForLink({ frame, state }: { frame: Frame; state: FormState }): VNode {
  return (
    <form method="post" action="/forgot" class="stack">
      <Csrf frame={frame} />
      <EmailField state={state} hint="A link that sets a new password is sent to it." />
      <button type="submit" class="primary">
        Send the link
      </button>
    </form>
  );
}

export function resetPage(
  frame: Frame,
  { token, email, state = {} }: { token: string; email: string | null; state?: FormState },
): string {
  return documentOf({
    frame,
    title: 'New password',
    width: 'narrow',
    children:
      email === null ? (
        <Alone title="This link is no longer good">
          <p>
            It was used already, or its hour is over. <a href="/forgot">Ask for another one</a>.
          </p>
        </Alone>
      ) : (
        <Alone
          title="New password"
          intro={`For ${email}. Every browser that is signed in will be signed out.`}
          state={state}
        >
          <form method="post" action="/reset" class="stack">
            <Csrf frame={frame} />
            <input type="hidden" name="token" value={token} />
            <input type="hidden" name="username" value={email} autocomplete="username" />
            <NewPasswordField label="New password" state={state} autofocus />
            <button type="submit" class="primary">
              Set the password
            </button>
          </form>
        </Alone>
      ),
  });
}
