/** The texts of the page that adds a site. */
export const ADD_SITE_TEXT = {
  title: 'Add site',
  sites: 'Sites',
  heading: 'New site',
  full: (limit: number, plan: string) =>
    `All ${limit} sites of the ${plan} plan are in use. Delete a site you no longer need in its settings, or ask the administrator of this server for the Pro plan, which has no limit.`,
  domain: 'Domain',
  hint: 'For example, example.com. www is included automatically.',
  open: (domain: string) => `Open ${domain}`,
  used: (used: number, limit: number) => `${used} of ${limit} sites used`,
} as const;
