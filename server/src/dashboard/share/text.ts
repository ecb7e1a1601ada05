/** The texts of public links. */
export const SHARE_TEXT = {
  password: 'Link password',
  open: 'View report',
} as const;
