/** The texts of public links. */
export const SHARE_TEXT = {
  password: 'Link password',
  open: 'View report',
  asOf: (time: string, seconds: number) =>
    `Figures as of ${time}. They are updated at most every ${seconds} seconds.`,
} as const;
