import { shownDomain } from '../../domain/hosts.ts';
import { PLAN_TITLES, type PlanName } from '../../domain/plans.ts';
import { documentOf } from '../kit/document.tsx';
import { Notice } from '../kit/elements.tsx';
import { Field, Form } from '../kit/form.tsx';
import type { Frame } from '../kit/parts.ts';
import { ADD_SITE_TEXT } from './text.ts';

export interface AddSiteData {
  typed: string;
  problem?: string;
  /** The site that already has this domain. */
  existing?: { id: string; domain: string } | null;
  used: number;
  limit: number | null;
  plan: PlanName;
}

export function addSitePage(
  frame: Frame,
  { typed, problem, existing = null, used, limit, plan }: AddSiteData,
): string {
  const full = limit !== null && used >= limit;
  return documentOf({
    frame,
    title: ADD_SITE_TEXT.title,
    width: 'narrow',
    children: (
      <>
        <p class="crumbs">
          <a href="/dashboard">{ADD_SITE_TEXT.sites}</a>
        </p>
        <h1>{ADD_SITE_TEXT.heading}</h1>
        {full && <Notice kind="note">{ADD_SITE_TEXT.full(limit, PLAN_TITLES[plan])}</Notice>}
        <Form frame={frame} action="/dashboard/add-site" class="stack" novalidate>
          <Field
            name="domain"
            label={ADD_SITE_TEXT.domain}
            required
            autofocus
            maxlength={2000}
            inputmode="url"
            placeholder="example.com"
            value={typed}
            error={problem}
            hint={ADD_SITE_TEXT.hint}
          />
          {existing !== null && (
            <p>
              <a href={`/dashboard/sites/${existing.id}`}>
                {ADD_SITE_TEXT.open(shownDomain(existing.domain))}
              </a>
            </p>
          )}
          <div class="row">
            <button type="submit" class="primary">
              {ADD_SITE_TEXT.title}
            </button>
            {limit !== null && <p class="hint">{ADD_SITE_TEXT.used(used, limit)}</p>}
          </div>
        </Form>
      </>
    ),
  });
}
