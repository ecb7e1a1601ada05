import type { VNode } from 'preact';
import { isLocalHost } from '../../hosts.ts';
import type { SiteVisit } from '../parts.ts';
import { Csrf } from './document.tsx';
import { Card, Copyable, Notice, plural, whole } from './parts.tsx';
import { QrCode } from './qr.tsx';
import type { ExclusionsRun, SectionProps } from './settings-parts.tsx';

/** What a site leaves out: pages and countries by rule, the visits of its own people by a link. */

export function ExcludedByRule({ visit: { site, frame }, data }: SectionProps): VNode {
  const { exclusionsRun, typedExclusions, knowsCountries, problem } = data;
  const pages = typedExclusions?.pages ?? site.exclusions?.pages.join('\n') ?? '';
  const countries = typedExclusions?.countries ?? site.exclusions?.countries.join(' ') ?? '';
  const invalid = problem?.at === 'exclusions' ? 'true' : undefined;
  return (
    <Card title="Leave out" id="exclusions-title">
      <form method="post" action={`/dashboard/sites/${site.id}/settings/exclusions`} class="stack">
        <Csrf frame={frame} />
        <p class="hint">
          What is left out is refused, and shown under “Not counted” with its reason. What was counted before
          stays counted.
        </p>
        <div class="field">
          <label for="excluded-pages">Pages, one path a line</label>
          <p class="hint" id="excluded-pages-hint">
            * stands for any text: /admin/*, /preview*, *.pdf.
          </p>
          <textarea
            id="excluded-pages"
            name="excluded-pages"
            rows={4}
            spellcheck={false}
            aria-describedby="excluded-pages-hint"
            aria-invalid={invalid}
          >
            {pages}
          </textarea>
        </div>
        <div class="field">
          <label for="excluded-countries">Countries, as two letters</label>
          <p class="hint" id="excluded-countries-hint">
            Such as DE US.{' '}
            {knowsCountries
              ? 'A visitor whose country cannot be told counts.'
              : 'This installation tells countries by the time zone of the browser alone, which only the full script (a.full.js) sends. Everybody else counts. GEO_DATABASE or COUNTRY_HEADER tells more.'}
          </p>
          <input
            id="excluded-countries"
            name="excluded-countries"
            spellcheck={false}
            autocapitalize="characters"
            maxlength={1_000}
            value={countries}
            aria-describedby="excluded-countries-hint"
            aria-invalid={invalid}
          />
        </div>
        {exclusionsRun !== undefined && <Preview run={exclusionsRun} />}
        <div class="row">
          <button type="submit" name="do" value="save" class="primary">
            Save
          </button>
          <button type="submit" name="do" value="preview">
            Try it on last week first
          </button>
        </div>
      </form>
    </Card>
  );
}

/** Names shown of what would be left out. */
const NAMED = 10;

function Preview({ run: { days, counted, leftOut, pages, countries } }: { run: ExclusionsRun }): VNode {
  const names = [...pages, ...countries];
  const more = names.length - NAMED;
  return (
    <Notice kind={leftOut === 0 ? 'done' : 'note'}>
      Nothing is changed yet. Of {plural(counted, 'event')} counted in the last {days} days,{' '}
      {leftOut === 0
        ? 'all would have counted with these exclusions.'
        : `${whole(leftOut)} would have been left out: ${names.slice(0, NAMED).join(', ')}${more > 0 ? ` and ${whole(more)} more` : ''}.`}
    </Notice>
  );
}

export function OwnVisits({ visit: { site } }: { visit: SiteVisit }): VNode {
  const host = site.domain.includes(':') ? `[${site.domain}]` : site.domain;
  const page = `${isLocalHost(site.domain) ? 'http' : 'https'}://${host}/`;
  const off = `${page}#attractos-off`;
  return (
    <Card title="Your own visits" id="own-title">
      <div class="beside">
        <QrCode text={off} label="The link that leaves this browser out, as a QR code" />
        <div class="stack">
          <p>
            Open this link in each browser whose visits should not count; scan it with a phone. The page says
            “AttractOS: off”, and from then on that browser sends nothing from this host.
          </p>
          <p class="hint">
            Pages with the full script (a.full.js) obey the link. With a.js, type localStorage.attractos =
            'off' into the browser’s console there.
          </p>
          <Copyable id="own-off" text={off} label="the link that turns counting off" />
          <p class="hint">
            The mark stays in that browser alone; nothing about it is known or kept here. Clearing the
            browser’s data takes it away, and so does this link:
          </p>
          <Copyable id="own-on" text={`${page}#attractos-on`} label="the link that turns counting on again" />
        </div>
      </div>
    </Card>
  );
}
