import type { SiteAction } from '../../app/access.ts';
import { SETTINGS_TEXT } from './text.ts';

/** The sections of a site's settings, each a page of its own. */
export type SectionId = 'counting' | 'goals' | 'sharing' | 'team' | 'data';

export interface SettingsSection {
  id: SectionId;
  name: string;
  /** What a user must be allowed to do on the site. */
  action: SiteAction;
  /** The path below the settings; empty for the first section. */
  path: string;
}

export const SECTIONS: readonly SettingsSection[] = [
  { id: 'counting', name: SETTINGS_TEXT.sections.counting, action: 'configure', path: '' },
  { id: 'goals', name: SETTINGS_TEXT.sections.goals, action: 'configure', path: '/goals' },
  { id: 'sharing', name: SETTINGS_TEXT.sections.sharing, action: 'configure', path: '/sharing' },
  { id: 'team', name: SETTINGS_TEXT.sections.team, action: 'own', path: '/team' },
  { id: 'data', name: SETTINGS_TEXT.sections.data, action: 'configure', path: '/data' },
];

/** Returns the path of a section for the site's id, or for the `:id` of a route. */
export function sectionPath(siteId: string, id: SectionId): string {
  const path = SECTIONS.find((section) => section.id === id)?.path ?? '';
  return `/dashboard/sites/${siteId}/settings${path}`;
}
