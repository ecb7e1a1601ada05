import type { VNode } from 'preact';
import type { SingleSignOnSettings } from '../../domain/single-sign-on.ts';
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
      <input type="hidden" name="time-zone" data-time-zone />
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
          {SIGN_IN_TEXT.setupLinkEnds} <code>{frame.command} account add --email you@example.com</code>
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
  singleSignOn: SingleSignOnSettings | null;
}

export function loginPage(
  frame: Frame,
  { next, state = {}, note, signups, singleSignOn }: LoginParts,
): string {
  return authPage(frame, {
    title: SIGN_IN_TEXT.signIn,
    state,
    children: (
      <>
        {note !== undefined && <Notice kind="note">{note}</Notice>}
        {singleSignOn !== null && (
          <p>
            <a class="button" href={`/login/sso?next=${encodeURIComponent(next)}`}>
              {SIGN_IN_TEXT.singleSignOn}
            </a>
          </p>
        )}
        {singleSignOn?.only !== true && (
          <>
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
        )}
      </>
    ),
  });
}

export interface LinkParts {
  ticket: string;
  /** The address of the account. */
  email: string;
  /** Whether the account has a second factor. */
  hasTotp: boolean;
  state?: FormState;
}

/** Creates the page that asks whether an existing account belongs to a person of the identity provider. */
export function linkPage(frame: Frame, { ticket, email, hasTotp, state = {} }: LinkParts): string {
  return authPage(frame, {
    title: SIGN_IN_TEXT.link,
    intro: SIGN_IN_TEXT.linkIntro(email),
    state,
    children: (
      <>
        <Form frame={frame} action="/login/sso/link" class="stack" hidden={{ ticket }}>
          <input type="hidden" name="username" value={email} autocomplete="username" />
          <PasswordField autofocus error={state.errors?.password} />
          {hasTotp && <CodeField error={state.errors?.code} />}
          <button type="submit" class="primary">
            {SIGN_IN_TEXT.linkAccount}
          </button>
        </Form>
        <p class="aside">
          <a href="/forgot">{SIGN_IN_TEXT.forgot}</a>
        </p>
      </>
    ),
  });
}

function CodeField(props: { error: string | undefined; autofocus?: boolean }): VNode {
  return (
    <Field
      name="code"
      label={SIGN_IN_TEXT.code}
      autocomplete="one-time-code"
      required
      maxlength={20}
      {...props}
    />
  );
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
          <CodeField autofocus error={state.errors?.code} />
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
