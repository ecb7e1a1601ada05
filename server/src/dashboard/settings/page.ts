import { may } from '../../app/access.ts';
import { siteKeysOf } from '../../app/site-keys.ts';
import { html } from '../kit/answers.ts';
import type { Answer, Parts, SitePageRequest, SiteRequest } from '../kit/parts.ts';
import { offeredZones } from '../kit/time-zones.ts';
import type { SettingsData } from './elements.tsx';
import { type SectionId, sectionPath } from './sections.ts';
import { settingsPage } from './view.tsx';

/** Additions to the settings page: an error, rejected input, or a secret shown once. */
export type More = Partial<
  Pick<
    SettingsData,
    'problem' | 'dryRun' | 'exclusionsRun' | 'typedHosts' | 'typedExclusions' | 'newShare' | 'newInvitation'
  >
>;

/** Returns the route of a site's settings, or of one of their forms. */
export function settingsPath(rest = ''): string {
  return `/dashboard/sites/:id/settings${rest}`;
}

/** Creates the responses to the forms of a section of the settings: its page again, or a redirect to it. */
export function settingsAnswers({ store, clock, config }: Parts, section: SectionId) {
  const { registry, events } = store;

  const page = async (request: SitePageRequest, more: More = {}): Promise<Answer> => {
    const site = (await registry.siteById(request.site.id)) ?? request.site;
    const mayOwn = may(request.role, 'own');
    const [keys, goals, shares, owner, members, invitations] = await Promise.all([
      siteKeysOf({ registry, events }, site),
      registry.goalsOf(site.id),
      registry.sharesOf(site.id),
      registry.accountById(site.accountId),
      mayOwn ? registry.membersOf(site.id) : [],
      mayOwn ? registry.invitationsTo(site.id, clock.now()) : [],
    ]);
    const data: SettingsData = {
      ...{ section, keys, goals, shares, members, invitations },
      nowMs: clock.now(),
      defaultRetentionDays: config.retentionDays,
      timeZones: offeredZones(),
      ownersZone: owner?.timeZone ?? 'UTC',
      knowsNetworks: config.asnDatabase !== null,
      done: request.query.get('done'),
      ...more,
    };
    return html(settingsPage({ ...request, site }, data), more.problem === undefined ? 200 : 422);
  };
  const wrong = (request: SitePageRequest, at: string, text: string, more: More = {}): Promise<Answer> =>
    page(request, { problem: { at, text }, ...more });
  const done = ({ site }: SiteRequest, what: string): Answer => ({
    kind: 'redirect',
    to: `${sectionPath(site.id, section)}?done=${what}`,
  });
  return { page, wrong, done };
}
