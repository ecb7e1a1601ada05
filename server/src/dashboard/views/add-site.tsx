import { shownDomain } from '../../hosts.ts';
import type { PlanName } from '../../plans.ts';
import type { Frame } from '../parts.ts';
import { Csrf, documentOf } from './document.tsx';
import { Field, Notice } from './parts.tsx';

export interface AddSiteData {
  typed: string;
  problem?: string;
  /** The site that has this domain already. */
  existing?: { id: string; domain: string } | null;
  used: number;
  limit: number | null;
  plan: PlanName;
}

export function addSitePage(
  frame: Frame,
  { typed, problem, existing = null, used, limit }: AddSiteData,
): string {
  const full = limit !== null && used >= limit;
  return documentOf({
    frame,
    title: 'Add a site',
    width: 'narrow',
    children: (
      <>
        <p class="crumbs">
          <a href="/dashboard">Sites</a>
        </p>
        <h1>Add a site</h1>
        {full && (
          <Notice kind="note">
            The Free plan has room for {limit} sites, and all of them are in use. Delete one you no longer
            need in its settings, or ask whoever runs this installation for the Pro plan, which has no limit.
          </Notice>
        )}
        <form method="post" action="/dashboard/add-site" class="stack" novalidate>
          <Csrf frame={frame} />
          <Field
            name="domain"
            label="Domain"
            required
            autofocus
            maxlength={2000}
            inputmode="url"
            placeholder="example.com"
            value={typed}
            error={problem}
            hint="As you know it: example.com, https://www.example.com/shop, münchen.example. Its www. twin counts too."
          />
          {existing !== null && (
            <p>
              <a href={`/dashboard/sites/${existing.id}`}>Open {shownDomain(existing.domain)}</a>
            </p>
          )}
          <div class="row">
            <button type="submit" class="primary">
              Add the site
            </button>
            {limit !== null && (
              <p class="hint">
                {used} of {limit} sites used
              </p>
            )}
          </div>
        </form>
      </>
    ),
  });
}
