import { expect } from 'vitest';
import type { Site } from '../../src/store/contract/store.ts';
import { signedIn } from './dashboard-person.ts';
import type { DashboardVisitor } from './dashboard-visitor.ts';
import { until } from './poll.ts';
import type { RunningServer, World } from './world.ts';

/** A site with an owner, who is signed in and has an API key. */
export interface OwnedSite {
  site: Site;
  visitor: DashboardVisitor;
  view(url: string, more?: object): Promise<void>;
  api(path: string): Promise<unknown>;
  /** The values of a dimension and their page views, most viewed first. */
  rows(by: string, ...filters: string[]): Promise<Record<string, number>>;
}

/** Options of a request whose page is on a host. */
export const fromSite = (domain: string) => ({ headers: { origin: `https://${domain}` } });

/** Adds a site with an owner. Resolves once the collector knows it. */
export async function ownedSite(world: World, server: RunningServer, domain: string): Promise<OwnedSite> {
  const account = await world.addAccount();
  const site = await world.addSite(account, domain);
  const { key } = await world.addApiKey(account);
  const visitor = await signedIn(world, server, account);
  // The end of a view is never counted. It is refused until the collector knows the new site.
  await until(
    () => server.send({ key: site.key, url: `https://${domain}/`, name: 'leave' }, fromSite(domain)),
    ({ status }) => status === 202,
  );
  const api = async (path: string) => {
    const answer = await server.ask({
      path: `/api/v1/sites/${site.id}${path === '' ? '' : `/${path}`}`,
      headers: { authorization: `Bearer ${key}` },
    });
    expect(answer.status, answer.text).toBe(200);
    return answer.json();
  };
  return {
    site,
    visitor,
    api,
    async view(path, more = {}) {
      const answer = await server.send(
        { key: site.key, url: `https://${domain}${path}`, ...more },
        fromSite(domain),
      );
      expect(answer.headers['x-attractos-outcome'], answer.text).toBe('stored');
    },
    async rows(by, ...filters) {
      const query = filters.map((filter) => `&filter=${encodeURIComponent(filter)}`).join('');
      const { breakdown } = (await api(`breakdown?by=${by}${query}`)) as {
        breakdown: { value: string; pageviews: number }[];
      };
      return Object.fromEntries(breakdown.map(({ value, pageviews }) => [value, pageviews]));
    },
  };
}
