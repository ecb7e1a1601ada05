import type { ComponentChildren, VNode } from 'preact';
import { may, type Role } from '../../app/access.ts';
import { shownDomain } from '../../domain/hosts.ts';
import type { Site } from '../../store/contract/store.ts';
import { documentOf } from './document.tsx';
import type { Frame } from './parts.ts';

export interface SiteFrame {
  frame: Frame;
  site: Pick<Site, 'id' | 'domain'>;
  role: Role;
}

/** Creates a page of a site, with the site's name and navigation. */
export function siteDocument(
  { frame, site, role }: SiteFrame,
  {
    title,
    here,
    children,
  }: {
    title: string;
    here: 'report' | 'funnels' | 'journeys' | 'live' | 'not-counted' | 'install' | 'settings';
    children: ComponentChildren;
  },
): string {
  const base = `/dashboard/sites/${site.id}`;
  const domain = shownDomain(site.domain);
  const tabs = [
    { id: 'report', name: 'Report', to: base },
    { id: 'funnels', name: 'Funnels', to: `${base}/funnels` },
    { id: 'journeys', name: 'Journeys', to: `${base}/journeys` },
    { id: 'live', name: 'Live', to: `${base}/activity` },
    { id: 'not-counted', name: 'Not counted', to: `${base}/not-counted` },
    { id: 'install', name: 'Install', to: `${base}/install` },
    ...(may(role, 'configure') ? [{ id: 'settings', name: 'Settings', to: `${base}/settings` }] : []),
  ];
  return documentOf({
    frame,
    title: `${title} · ${domain}`,
    width: 'wide',
    children: (
      <>
        <p class="crumbs">
          <a href="/dashboard">Sites</a>
        </p>
        <h1 class="site-name">{domain}</h1>
        <nav class="site-tabs" aria-label={`Pages of ${domain}`}>
          <ul>
            {tabs.map(({ id, name, to }) => (
              <li>
                <a href={to} aria-current={id === here ? 'page' : undefined}>
                  {name}
                </a>
              </li>
            ))}
          </ul>
        </nav>
        {children as VNode}
      </>
    ),
  });
}
