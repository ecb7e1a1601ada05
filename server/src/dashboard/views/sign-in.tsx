import type { VNode } from 'preact';
import type { Frame } from '../parts.ts';
import { Alone, EmailField, type FormState, NewPasswordField } from './alone.tsx';
import { Csrf, documentOf } from './document.tsx';
import { Field, Notice } from './parts.tsx';

/** The ways in: set-up, log-in, sign-up, second factor. */

function NewAccountFields({ state }: { state: FormState }): VNode {
  return (
    <>
      <EmailField state={state} error={state.errors?.email} />
      <NewPasswordField label="Password" state={state} />
    </>
  );
}

export function setupPage(frame: Frame, token: string, state: FormState = {}): string {
  return documentOf({
    frame,
    title: 'Set up',
    width: 'narrow',
    children: (
      <Alone
        title="Welcome"
        intro="This installation is new. Make the account that owns it; after that, this page closes for good."
        state={state}
      >
        <form method="post" action="/setup" class="stack">
          <Csrf frame={frame} />
          <input type="hidden" name="token" value={token} />
          <NewAccountFields state={state} />
          <button type="submit" class="primary">
            Make the account
          </button>
          <p class="hint">No mail is sent. The address is what you sign in with.</p>
        </form>
      </Alone>
    ),
  });
}

/** Set-up cannot be done now: why, and what to do. */
export function noSetupPage(frame: Frame, reason: 'done' | 'token'): string {
  return documentOf({
    frame,
    title: 'Set up',
    width: 'narrow',
    children:
      reason === 'done' ? (
        <Alone title="Set-up is done">
          <p>
            This installation has an owner. <a href="/login">Sign in</a>.
          </p>
        </Alone>
      ) : (
        <Alone title="Open the link from the terminal">
          <p>
            A new installation is claimed with the one-time link that the server prints when it starts:{' '}
            <code>/setup?token=…</code>
          </p>
          <p>
            The link is good until the server stops or an account exists. Started in the background? Look at
            its log, or make an account with{' '}
            <code>npm run -s attractos -- account add --email you@example.com</code>.
          </p>
        </Alone>
      ),
  });
}

export interface LoginParts {
  next: string;
  state?: FormState;
  note?: string | undefined;
  signups: 'open' | 'closed' | 'invite';
}

export function loginPage(frame: Frame, { next, state = {}, note, signups }: LoginParts): string {
  return documentOf({
    frame,
    title: 'Sign in',
    width: 'narrow',
    children: (
      <Alone title="Sign in" state={state}>
        {note !== undefined && <Notice kind="note">{note}</Notice>}
        <form method="post" action="/login" class="stack">
          <Csrf frame={frame} />
          <input type="hidden" name="next" value={next} />
          <EmailField state={state} />
          <Field
            name="password"
            label="Password"
            type="password"
            autocomplete="current-password"
            required
            maxlength={200}
          />
          <button type="submit" class="primary">
            Sign in
          </button>
        </form>
        <p class="aside">
          <a href="/forgot">Forgot the password?</a>
          {signups === 'open' && (
            <>
              {' · '}
              <a href="/signup">Make an account</a>
            </>
          )}
        </p>
      </Alone>
    ),
  });
}

export function secondFactorPage(
  frame: Frame,
  { ticket, next, state = {} }: { ticket: string; next: string; state?: FormState },
): string {
  return documentOf({
    frame,
    title: 'Second factor',
    width: 'narrow',
    children: (
      <Alone
        title="Second factor"
        intro="Enter the six digits that your app shows now, or one of your recovery codes."
        state={state}
      >
        <form method="post" action="/login/second-factor" class="stack">
          <Csrf frame={frame} />
          <input type="hidden" name="ticket" value={ticket} />
          <input type="hidden" name="next" value={next} />
          <Field
            name="code"
            label="Code"
            autocomplete="one-time-code"
            required
            autofocus
            maxlength={20}
            error={state.errors?.code}
          />
          <button type="submit" class="primary">
            Go on
          </button>
        </form>
      </Alone>
    ),
  });
}

export function signupPage(
  frame: Frame,
  { open, invitation, state = {} }: { open: boolean; invitation: string; state?: FormState },
): string {
  return documentOf({
    frame,
    title: 'Make an account',
    width: 'narrow',
    children: open ? (
      <Alone title="Make an account" state={state}>
        <form method="post" action="/signup" class="stack">
          <Csrf frame={frame} />
          <input type="hidden" name="invitation" value={invitation} />
          <NewAccountFields state={state} />
          <button type="submit" class="primary">
            Make the account
          </button>
          <p class="aside">
            Have one? <a href="/login">Sign in</a>
          </p>
        </form>
      </Alone>
    ) : (
      <Alone title="Sign-up is closed">
        <p>
          New accounts are made by invitation of the owner here. Invited? Open the link you were sent; it may
          have been used already, or its seven days are over. <a href="/login">Sign in</a>
        </p>
      </Alone>
    ),
  });
}
