/** The texts of the password reset pages. */
export const RESET_TEXT = {
  title: 'Password reset',
  heading: 'Forgot your password?',
  sent: (email: string) =>
    `If an account exists for ${email}, we’ve sent it a link. The link works once and expires in one hour. If nothing arrives within a few minutes, check your spam folder, then ask the administrator of this server.`,
  byAdministrator:
    'The administrator of this server can create a link for you (single use, expires in one hour):',
  back: 'Back to sign in',
  emailHint: 'We’ll email you a link to set a new password.',
  sendLink: 'Send link',
  newPassword: 'New password',
  over: 'This link is no longer valid',
  overHint: 'It has been used or has expired.',
  again: 'Request a new link',
  intro: (email: string) => `For ${email}. All active sessions will be signed out.`,
  set: 'Set password',
  signIn: 'Sign in',
  signInIntro: (email: string) => `This link signs you in once as ${email}.`,
} as const;
