import type { VNode } from 'preact';
import { authPage, type FormState, PASSWORD_HINT } from '../kit/auth-layout.tsx';
import { EmailField, NewPasswordField, PasswordField } from '../kit/credential-fields.tsx';
import { Notice } from '../kit/elements.tsx';
import { Field, Form } from '../kit/form.tsx';
import type { Frame } from '../kit/parts.ts';
import { SIGN_IN_TEXT } from './text.ts';

/** The pages for setup, login, sign-up and the second factor. */

function NewAccountFields({ state }: { state: FormState }): VNode {
  return (
    <>
      <EmailField autofocus value={state.email ?? ''} error={state.errors?.email} />
      <NewPasswordField hint={PASSWORD_HINT} error={state.errors?.password} />
    </>
  );
}

export function setupPage(frame: Frame, token: string, state: FormState = {}): string {
  return authPage(frame, {
    title: SIGN_IN_TEXT.setup,
    heading: SIGN_IN_TEXT.welcome,
    intro: SIGN_IN_TEXT.setupIntro,
    state,
    children: (
      <>
        <Form frame={frame} action="/setup" class="stack" hidden={{ token }}>
          <NewAccountFields state={state} />
          <button type="submit" class="primary">
            {SIGN_IN_TEXT.createAccount}
          </button>
          <p class="hint">{SIGN_IN_TEXT.emailUse}</p>
        </Form>
      </>
    ),
  });
}

/** Creates the page that explains why setup is not possible, and what to do. */
export function noSetupPage(frame: Frame, reason: 'done' | 'token'): string {
  if (reason === 'done')
    return authPage(frame, {
      title: SIGN_IN_TEXT.setup,
      heading: SIGN_IN_TEXT.setupDone,
      children: (
        <>
          <p>
            {SIGN_IN_TEXT.hasOwner} <a href="/login">{SIGN_IN_TEXT.signIn}</a>
          </p>
        </>
      ),
    });
  return authPage(frame, {
    title: SIGN_IN_TEXT.setup,
    heading: SIGN_IN_TEXT.setupLink,
    children: (
      <>
        <p>
          {SIGN_IN_TEXT.setupLinkHint} <code>/setup?token=…</code>
        </p>
        <p>
          {SIGN_IN_TEXT.setupLinkEnds}{' '}
          <code>npm run -s attractos -- account add --email you@example.com</code>
        </p>
      </>
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
  return authPage(frame, {
    title: SIGN_IN_TEXT.signIn,
    state,
    children: (
      <>
        {note !== undefined && <Notice kind="note">{note}</Notice>}
        <Form frame={frame} action="/login" class="stack" hidden={{ next }}>
          <EmailField autofocus value={state.email ?? ''} />
          <PasswordField />
          <button type="submit" class="primary">
            {SIGN_IN_TEXT.signIn}
          </button>
        </Form>
        <p class="aside">
          <a href="/forgot">{SIGN_IN_TEXT.forgot}</a>
          {signups === 'open' && (
            <>
              {' · '}
              <a href="/signup">{SIGN_IN_TEXT.createAccount}</a>
            </>
          )}
        </p>
      </>
    ),
  });
}

export function secondFactorPage(
  frame: Frame,
  { ticket, next, state = {} }: { ticket: string; next: string; state?: FormState },
): string {
  return authPage(frame, {
    title: SIGN_IN_TEXT.secondFactor,
    intro: SIGN_IN_TEXT.secondFactorIntro,
    state,
    children: (
      <>
        <Form frame={frame} action="/login/second-factor" class="stack" hidden={{ ticket, next }}>
          <Field
            name="code"
            label={SIGN_IN_TEXT.code}
            autocomplete="one-time-code"
            required
            autofocus
            maxlength={20}
            error={state.errors?.code}
          />
          <button type="submit" class="primary">
            {SIGN_IN_TEXT.continue}
          </button>
        </Form>
      </>
    ),
  });
}

export function signupPage(
  frame: Frame,
  { open, invitation, state = {} }: { open: boolean; invitation: string; state?: FormState },
): string {
  if (open)
    return authPage(frame, {
      title: SIGN_IN_TEXT.createAccount,
      state,
      children: (
        <>
          <Form frame={frame} action="/signup" class="stack" hidden={{ invitation }}>
            <NewAccountFields state={state} />
            <button type="submit" class="primary">
              {SIGN_IN_TEXT.createAccount}
            </button>
            <p class="aside">
              {SIGN_IN_TEXT.haveAccount} <a href="/login">{SIGN_IN_TEXT.signIn}</a>
            </p>
          </Form>
        </>
      ),
    });
  return authPage(frame, {
    title: SIGN_IN_TEXT.createAccount,
    heading: SIGN_IN_TEXT.closed,
    children: (
      <>
        <p>{SIGN_IN_TEXT.closedHint}</p>
        <p class="aside">
          <a href="/login">{SIGN_IN_TEXT.signIn}</a>
        </p>
      </>
    ),
  });
}
