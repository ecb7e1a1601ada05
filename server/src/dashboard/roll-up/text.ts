import { plural, whole } from '../kit/format.ts';

/** The texts of reports over several sites. */
export const ROLL_UP_TEXT = {
  title: (sites: number) => `Roll-up of ${plural(sites, 'site')}`,
  problemTitle: 'Roll-up',
  sites: 'Sites',
  choose: 'Choose sites',
  show: 'Show roll-up',
  hint: 'A visitor of two sites counts on each, because the anonymous ID differs by site. Goals are in the report of each site.',
  none: 'Choose at least one site.',
  tooMany: (sites: number, most: number) =>
    `A roll-up has at most ${whole(most)} sites, and ${whole(sites)} are chosen.`,
} as const;
