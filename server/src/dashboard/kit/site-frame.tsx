import type { ComponentChildren, VNode } from 'preact';
import { may, type Role } from '../../app/access.ts';
import { shownDomain } from '../../domain/hosts.ts';
import type { Site } from '../../store/contract/store.ts';
import { documentOf } from './document.tsx';
import { Menu } from './menu.tsx';
import type { Frame } from './parts.ts';

/** The pages in the navigation of a site. */
export type SiteTab = 'report' | 'funnels' | 'journeys' | 'live' | 'not-counted' | 'install' | 'settings';

export interface SiteFrame {
  frame: Frame;
  site: Pick<Site, 'id' | 'domain'>;
  role: Role;
  /** The sites that can be switched to, this one included. */
  sites: readonly Pick<Site, 'id' | 'domain'>[];
}

/** Creates a page of a site, with the site's name and navigation. */
export function siteDocument(
  { frame, site, role, sites }: SiteFrame,
  {
    title,
    here,
    isBare = false,
    children,
  }: {
    title: string;
    here: SiteTab;
    isBare?: boolean;
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
    isBare,
    children: isBare ? (
      <>
        <h1 class="visually-hidden">{domain}</h1>
        {children as VNode}
      </>
    ) : (
      <>
        <div class="site-head">
          <p class="crumbs">
            <a href="/dashboard">Sites</a>
          </p>
          {sites.length > 1 && <SiteMenu sites={sites} here={site.id} />}
        </div>
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

/** The menu of other sites. The first nine have their digit as a keyboard shortcut, from every page of a site. */
function SiteMenu({ sites, here }: { sites: SiteFrame['sites']; here: string }): VNode {
  return (
    <Menu name="Switch site">
      <ul>
        {sites.map(({ id, domain }, i) => (
          <li>
            <a
              href={`/dashboard/sites/${id}`}
              aria-current={id === here ? 'true' : undefined}
              data-key={String(i + 1)}
            >
              <bdi>{shownDomain(domain)}</bdi>
              <span class="kbd" aria-hidden="true">
                {i + 1}
              </span>
            </a>
          </li>
        ))}
        <li>
          <a href="/dashboard">All sites</a>
        </li>
      </ul>
    </Menu>
  );
}
