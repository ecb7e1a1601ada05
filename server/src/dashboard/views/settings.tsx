import type { VNode } from 'preact';
import { entryOf } from '../../entry-of.ts';
import { shownDomain } from '../../hosts.ts';
import type { SiteVisit } from '../parts.ts';
import { Csrf } from './document.tsx';
import { Ago, Card, date, Field, Notice, plural, whole } from './parts.tsx';
import { ExcludedByRule, OwnVisits } from './settings-exclusions.tsx';
import { DeleteSite, Exports, Goals, Shares, Team } from './settings-more.tsx';
import type { HostsRun, SectionProps, SettingsData } from './settings-parts.tsx';
import { siteDocument } from './site-frame.tsx';
import { ZoneOptions } from './zone-options.tsx';

const DONE: Readonly<Record<string, string>> = {
  hosts: 'The hosts are changed. The collector knows within a second.',
  rotated:
    'The site has a new key. Put it into the pages; the one before goes on counting until you retire it.',
  retired: 'The old key no longer counts. Pages that still carry it show up under “Not counted”.',
  exclusions:
    'The exclusions are changed. The collector knows within a second; what is left out shows up under “Not counted”.',
  'time-zone': 'The time zone is changed.',
  retention: 'The retention is changed. What was counted stays counted.',
  goal: 'The goals are changed.',
  share: 'The link is gone.',
  member: 'The team is changed.',
};

export function settingsPage(visit: SiteVisit, data: SettingsData): string {
  const done = data.done === null ? undefined : entryOf(DONE, data.done);
  return siteDocument(visit, {
    title: 'Settings',
    here: 'settings',
    children: (
      <div class="settings">
        {done !== undefined && data.problem === undefined && <Notice kind="done">{done}</Notice>}
        {data.problem !== undefined && <Notice kind="wrong">{data.problem.text}</Notice>}
        <Hosts visit={visit} data={data} />
        <Keys visit={visit} data={data} />
        <ExcludedByRule visit={visit} data={data} />
        <OwnVisits visit={visit} />
        <Goals visit={visit} data={data} />
        <Shares visit={visit} data={data} />
        {data.mayOwn && <Team visit={visit} data={data} />}
        <TimeZone visit={visit} data={data} />
        <Retention visit={visit} data={data} />
        <Exports visit={visit} />
        {data.mayOwn && <DeleteSite visit={visit} data={data} />}
      </div>
    ),
  });
}

function Hosts({ visit: { site, frame }, data: { dryRun } }: SectionProps): VNode {
  const rules = dryRun?.rules ?? site;
  return (
    <Card title="Hosts that count" id="hosts-title">
      <form method="post" action={`/dashboard/sites/${site.id}/settings/hosts`} class="stack">
        <Csrf frame={frame} />
        <p class="hint">
          {shownDomain(site.domain)} and its www. twin always count. Every other host is refused, and shown
          under “Not counted”.
        </p>
        <label class="check-field">
          <input type="checkbox" name="subdomains" checked={rules.allowSubdomains} />
          <span>All subdomains of {shownDomain(site.domain)} count, too</span>
        </label>
        <div class="field">
          <label for="hosts">Further hosts, one a line</label>
          <p class="hint" id="hosts-hint">
            Such as shop.example.net, or *.example.net for everything below it.
          </p>
          <textarea id="hosts" name="hosts" rows={4} spellcheck={false} aria-describedby="hosts-hint">
            {rules.extraHosts.join('\n')}
          </textarea>
        </div>
        {dryRun !== undefined && (
          <Notice kind={dryRun.refused === 0 ? 'done' : 'note'}>{sentenceOf(dryRun)}</Notice>
        )}
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

function sentenceOf({ accepted, days, refused, hosts, unknown }: HostsRun): string {
  const lost =
    refused > 0
      ? `${whole(refused)} would have been refused, from ${Object.keys(hosts).join(', ')}.`
      : unknown > 0
        ? 'none is known that would have been refused.'
        : 'all would have counted with these rules.';
  const rest =
    unknown > 0 ? ` Of ${whole(unknown)} more the host is not known: there were too many to keep apart.` : '';
  return `Nothing is changed yet. Of ${plural(accepted, 'event')} counted in the last ${days} days, ${lost}${rest}`;
}

function Keys({ visit: { site, frame }, data: { keys, uses, nowMs } }: SectionProps): VNode {
  const useOf = new Map(uses.map((use) => [use.key, use]));
  const base = `/dashboard/sites/${site.id}/settings/keys`;
  return (
    <Card title="Site keys" id="keys-title">
      <p class="hint">
        Public: it stands in your pages. Change it without losing anything: make a new one, put it into the
        pages, and retire the old one when it is no longer seen.
      </p>
      <ul class="lines">
        {keys.map(({ key, state, createdAtMs }) => {
          const use = useOf.get(key);
          const isCurrent = key === site.key;
          return (
            <li>
              <div>
                <code>{key}</code>
                <span class="tag">
                  {isCurrent ? 'current' : state === 'live' ? 'still counts' : 'retired'}
                </span>
                <p class="hint">
                  Made {date(createdAtMs)}.{' '}
                  {use === undefined ? (
                    'Never seen.'
                  ) : (
                    <>
                      {plural(use.events, 'event')}, last seen <Ago atMs={use.lastSeenAtMs} nowMs={nowMs} />.
                    </>
                  )}
                </p>
              </div>
              {!isCurrent && state === 'live' && (
                <form method="post" action={`${base}/retire`}>
                  <Csrf frame={frame} />
                  <input type="hidden" name="key" value={key} />
                  <button type="submit" class="small">
                    Retire
                  </button>
                </form>
              )}
            </li>
          );
        })}
      </ul>
      <form method="post" action={base}>
        <Csrf frame={frame} />
        <button type="submit">Make a new key</button>
      </form>
    </Card>
  );
}

function TimeZone({ visit: { site, frame }, data: { timeZones, ownersZone, problem } }: SectionProps): VNode {
  return (
    <Card title="Time zone" id="zone-title">
      <form method="post" action={`/dashboard/sites/${site.id}/settings/time-zone`} class="inline-form">
        <Csrf frame={frame} />
        <div class="field">
          <label for="site-zone">Days of this site begin in</label>
          <p class="hint" id="site-zone-hint">
            In its report and in the API, for everybody who looks. Billing months and the ledger stay UTC.
          </p>
          <select
            id="site-zone"
            name="site-zone"
            aria-describedby="site-zone-hint"
            aria-invalid={problem?.at === 'site-zone' ? 'true' : undefined}
          >
            <option value="" selected={site.timeZone === null}>
              As the account: {ownersZone.replaceAll('_', ' ')}
            </option>
            <ZoneOptions zones={timeZones} chosen={site.timeZone} />
          </select>
        </div>
        <button type="submit">Save</button>
      </form>
    </Card>
  );
}

function Retention({ visit: { site, frame }, data }: SectionProps): VNode {
  const fallback =
    data.defaultRetentionDays === null ? 'events are kept for good' : `${data.defaultRetentionDays} days`;
  return (
    <Card title="Retention" id="retention-title">
      <form method="post" action={`/dashboard/sites/${site.id}/settings/retention`} class="inline-form">
        <Csrf frame={frame} />
        <Field
          name="days"
          label="Delete events after this many days"
          inputmode="numeric"
          maxlength={5}
          value={site.retentionDays === null ? '' : String(site.retentionDays)}
          hint={`Empty: as this installation says (${fallback}). The counts of past months never change.`}
          error={data.problem?.at === 'days' ? data.problem.text : undefined}
        />
        <button type="submit">Save</button>
      </form>
    </Card>
  );
}
