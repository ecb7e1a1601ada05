import { may } from '../access.ts';
import type { Answer, Parts, SiteVisit } from '../parts.ts';
import { offeredZones } from '../time-zones.ts';
import { settingsPage } from '../views/settings.tsx';
import type { SettingsData } from '../views/settings-parts.tsx';
import { html } from './sign-in.ts';

/** What a page says besides the state of things: one problem, what was typed, or something shown once. */
export type More = Partial<
  Pick<
    SettingsData,
    'problem' | 'dryRun' | 'exclusionsRun' | 'typedExclusions' | 'newShare' | 'newInvitation'
  >
>;

/** Address of a site's settings, or of a form of theirs. */
export function settingsPath(rest = ''): string {
  return `/dashboard/sites/:id/settings${rest}`;
}

/** The page that all of a site's settings are on, and the ways back to it. */
export function settingsAnswers({ store, clock, config }: Parts) {
  const { registry, events } = store;

  const page = async (visit: SiteVisit, more: More = {}): Promise<Answer> => {
    const site = (await registry.siteById(visit.site.id)) ?? visit.site;
    const mayOwn = may(visit.role, 'own');
    const [keys, uses, goals, shares, owner, members, invitations] = await Promise.all([
      registry.siteKeysOf(site.id),
      events.keyUse(site.id),
      registry.goalsOf(site.id),
      registry.sharesOf(site.id),
      registry.accountById(site.accountId),
      mayOwn ? registry.membersOf(site.id) : [],
      mayOwn ? registry.invitationsTo(site.id, clock.now()) : [],
    ]);
    const data: SettingsData = {
      ...{ keys, uses, goals, shares, members, invitations, mayOwn },
      nowMs: clock.now(),
      defaultRetentionDays: config.retentionDays,
      timeZones: offeredZones(),
      ownersZone: owner?.timeZone ?? 'UTC',
      knowsCountries: config.geoDatabase !== null || config.countryHeader !== null,
      done: visit.query.get('done'),
      ...more,
    };
    return html(settingsPage({ ...visit, site }, data), more.problem === undefined ? 200 : 422);
  };
  const wrong = (visit: SiteVisit, at: string, text: string, more: More = {}): Promise<Answer> =>
    page(visit, { problem: { at, text }, ...more });
  const done = ({ site }: SiteVisit, what: string): Answer => ({
    kind: 'redirect',
    to: `/dashboard/sites/${site.id}/settings?done=${what}`,
  });
  return { page, wrong, done };
}
