/** The texts of setup, sign-in and sign-up. */
export const SIGN_IN_TEXT = {
  setup: 'Setup',
  welcome: 'Welcome',
  setupIntro: 'Create the owner account. This page then closes permanently.',
  createAccount: 'Create account',
  emailUse: 'We won’t email you. Use this address to sign in.',
  setupDone: 'Setup is complete',
  hasOwner: 'This server already has an owner.',
  setupLinkHint: 'To set up a new server, open the one-time link that it prints when it starts:',
  setupLinkEnds:
    'The link works until the server stops or an account exists. If the server runs in the background, look for the link in its log, or create an account with',
  signIn: 'Sign in',
  setupLink: 'Open the link from the terminal',
  forgot: 'Forgot password?',
  singleSignOn: 'Continue with single sign-on',
  onlySingleSignOn: 'Passwords are not used on this server. Continue with single sign-on.',
  link: 'Link your account',
  linkIntro: (email: string) =>
    `There is already an account for ${email}. Enter its password once, to show that it is yours. From then on, single sign-on opens it.`,
  linkAccount: 'Link account',
  secondFactor: 'Two-factor authentication',
  secondFactorIntro: 'Enter the six-digit code from your authenticator app, or a recovery code.',
  wrong: 'Incorrect email or password.',
  code: 'Code',
  continue: 'Continue',
  haveAccount: 'Already have an account?',
  closed: 'Sign-up is closed',
  closedHint:
    'You need an invitation to create an account. If you have one, open the link you were sent. A link that was used or is older than seven days no longer works.',
} as const;

/** The notes above the sign-in form, by the value of `note` in its URL. */
export const SIGN_IN_NOTES: Readonly<Record<string, string>> = {
  'signed-up': 'Account created. Sign in to continue.',
  reset: 'Password changed. Sign in to continue.',
  deleted: 'Your account and all its data were deleted.',
};
