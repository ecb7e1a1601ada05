/** The texts of the invitation page. */
export const INVITATION_TEXT = {
  title: 'Invitation',
  over: 'This invitation is no longer valid',
  overHint: 'It has been used or withdrawn, or it has expired. Ask for a new one.',
  heading: (domain: string) => `You’ve been invited to ${domain}`,
  admin: 'You’ll be able to view reports and edit settings.',
  viewer: 'You’ll have view-only access.',
  createAccount: 'Create account',
  haveAccount: 'Already have an account?',
  accept: (email: string) => `Accept as ${email}`,
  signIn: 'Sign in',
  /** The words after the link. */
  thenReopen: ', then reopen this link.',
} as const;
