import { authPage } from '../kit/auth-layout.tsx';
import { Form } from '../kit/form.tsx';
import type { Frame } from '../kit/parts.ts';
import { INVITATION_TEXT } from './text.ts';

export interface InvitationData {
  /** The invitation; null if the link is no longer valid. */
  invitation: { token: string; domain: string; role: string } | null;
  signedIn: boolean;
  /** Whether people can create an account with a password. */
  maySignUp: boolean;
}

export function invitationPage(frame: Frame, { invitation, signedIn, maySignUp }: InvitationData): string {
  if (invitation === null)
    return authPage(frame, {
      title: INVITATION_TEXT.title,
      heading: INVITATION_TEXT.over,
      children: (
        <>
          <p>{INVITATION_TEXT.overHint}</p>
        </>
      ),
    });
  return authPage(frame, {
    title: INVITATION_TEXT.title,
    heading: INVITATION_TEXT.heading(invitation.domain),
    intro: invitation.role === 'admin' ? INVITATION_TEXT.admin : INVITATION_TEXT.viewer,
    children: (
      <>
        {signedIn ? (
          <Form frame={frame} action="/invitation" hidden={{ invitation: invitation.token }}>
            <button type="submit" class="primary">
              {INVITATION_TEXT.accept(frame.email ?? '')}
            </button>
          </Form>
        ) : (
          <>
            {maySignUp && (
              <p>
                <a class="button primary" href={`/signup?invitation=${invitation.token}`}>
                  {INVITATION_TEXT.createAccount}
                </a>
              </p>
            )}
            <p class="aside">
              {maySignUp && INVITATION_TEXT.haveAccount} <a href="/login">{INVITATION_TEXT.signIn}</a>
              {INVITATION_TEXT.thenReopen}
            </p>
          </>
        )}
      </>
    ),
  });
}
