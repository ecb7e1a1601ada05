import type { Frame } from '../parts.ts';
import { Csrf, documentOf } from './document.tsx';

export interface InvitationData {
  /** Null where the link is no longer good. */
  invitation: { token: string; domain: string; role: string } | null;
  signedIn: boolean;
}

export function invitationPage(frame: Frame, { invitation, signedIn }: InvitationData): string {
  return documentOf({
    frame,
    title: 'Invitation',
    width: 'narrow',
    children:
      invitation === null ? (
        <div class="alone">
          <h1>This invitation is no longer good</h1>
          <p>It was used already, withdrawn, or its seven days are over. Ask for another one.</p>
        </div>
      ) : (
        <div class="alone">
          <h1>You are invited to {invitation.domain}</h1>
          <p class="lead">
            As{' '}
            {invitation.role === 'admin'
              ? 'an admin: you may look and change settings.'
              : 'a viewer: you may look.'}
          </p>
          {signedIn ? (
            <form method="post" action="/invitation">
              <Csrf frame={frame} />
              <input type="hidden" name="invitation" value={invitation.token} />
              <button type="submit" class="primary">
                Accept as {frame.email}
              </button>
            </form>
          ) : (
            <>
              <p>
                <a class="button primary" href={`/signup?invitation=${invitation.token}`}>
                  Make an account
                </a>
              </p>
              <p class="aside">
                Have one? <a href="/login">Sign in</a>, then open this link again.
              </p>
            </>
          )}
        </div>
      ),
  });
}
