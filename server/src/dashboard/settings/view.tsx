import type { VNode } from 'preact';
import { may } from '../../app/access.ts';
import { shownDomain } from '../../domain/hosts.ts';
import { ownValue } from '../../domain/own-value.ts';
import { Ago, Card, Notice } from '../kit/elements.tsx';
import { errorAt, Field, SelectField, TextAreaField } from '../kit/form.tsx';
import { date } from '../kit/format.ts';
import type { SitePageRequest, SiteRequest } from '../kit/parts.ts';
import { siteDocument } from '../kit/site-frame.tsx';
import { ZoneOptions } from '../kit/zone-options.tsx';
import {
  SaveOrPreview,
  type SectionProps,
  SettingsButton,
  type SettingsData,
  SettingsForm,
} from './elements.tsx';
import { ExcludedByRule, OwnVisits } from './exclusions.tsx';
import { DeleteSite, Exports, Goals, Shares, Team } from './more.tsx';
import { SECTIONS, type SectionId, sectionPath } from './sections.ts';
import { hostsPreview, SETTINGS_DONE, SETTINGS_TEXT } from './text.ts';

export function settingsPage(request: SitePageRequest, data: SettingsData): string {
  const done = data.done === null ? undefined : ownValue(SETTINGS_DONE, data.done);
  return siteDocument(request, {
    title: SETTINGS_TEXT.title,
    here: 'settings',
    children: (
      <div class="with-side">
        <SectionMenu request={request} here={data.section} />
        <div class="settings">
          {done !== undefined && data.problem === undefined && <Notice kind="done">{done}</Notice>}
          {data.problem !== undefined && <Notice kind="wrong">{data.problem.text}</Notice>}
          <Section request={request} data={data} />
        </div>
      </div>
    ),
  });
}

/** Links to the sections that the user may see. */
function SectionMenu({ request: { site, role }, here }: { request: SiteRequest; here: SectionId }): VNode {
  return (
    <nav class="side" aria-label={SETTINGS_TEXT.sectionsLabel}>
      <ul>
        {SECTIONS.filter(({ action }) => may(role, action)).map(({ id, name }) => (
          <li>
            <a href={sectionPath(site.id, id)} aria-current={id === here ? 'page' : undefined}>
              {name}
            </a>
          </li>
        ))}
      </ul>
    </nav>
  );
}

function Section(props: SectionProps): VNode {
  switch (props.data.section) {
    case 'counting':
      return (
        <>
          <Hosts {...props} />
          <Keys {...props} />
          <ExcludedByRule {...props} />
          <OwnVisits request={props.request} />
          <Pages request={props.request} />
        </>
      );
    case 'goals':
      return <Goals {...props} />;
    case 'sharing':
      return <Shares {...props} />;
    case 'team':
      return <Team {...props} />;
    case 'data':
      return (
        <>
          <TimeZone {...props} />
          <Retention {...props} />
          <Exports request={props.request} />
          {may(props.request.role, 'own') && <DeleteSite {...props} />}
        </>
      );
  }
}

function Hosts({ request, data: { dryRun, problem, typedHosts } }: SectionProps): VNode {
  const { site } = request;
  const rules = dryRun?.rules ?? site;
  return (
    <Card title={SETTINGS_TEXT.domains} id="hosts-title">
      <SettingsForm request={request} to="hosts" class="stack">
        <p class="hint">{SETTINGS_TEXT.domainsHint(shownDomain(site.domain))}</p>
        <label class="check-field">
          <input type="checkbox" name="subdomains" checked={rules.allowSubdomains} />
          <span>{SETTINGS_TEXT.subdomains(shownDomain(site.domain))}</span>
        </label>
        <TextAreaField
          name="hosts"
          label={SETTINGS_TEXT.hosts}
          hint={SETTINGS_TEXT.hostsHint}
          error={errorAt(problem, 'hosts')}
          value={typedHosts ?? rules.extraHosts.map(shownDomain).join('\n')}
        />
        {dryRun !== undefined && (
          <Notice kind={dryRun.lost.events === 0 ? 'done' : 'note'}>{hostsPreview(dryRun)}</Notice>
        )}
        <SaveOrPreview />
      </SettingsForm>
    </Card>
  );
}

function Keys({ request, data: { keys, nowMs } }: SectionProps): VNode {
  return (
    <Card title={SETTINGS_TEXT.keys} id="keys-title">
      <p class="hint">{SETTINGS_TEXT.keysHint}</p>
      <ul class="lines">
        {keys.map(({ key, state, createdAtMs, isCurrent, use }) => {
          return (
            <li>
              <div>
                <code>{key}</code>
                <span class="tag">{SETTINGS_TEXT.keyState[isCurrent ? 'current' : state]}</span>
                <p class="hint">
                  {SETTINGS_TEXT.created(date(createdAtMs))} ·{' '}
                  {use === null ? (
                    SETTINGS_TEXT.neverUsed
                  ) : (
                    <>
                      {SETTINGS_TEXT.keyUse(use.events)} <Ago atMs={use.lastSeenAtMs} nowMs={nowMs} />
                    </>
                  )}
                </p>
              </div>
              {!isCurrent && state === 'live' && (
                <SettingsButton
                  request={request}
                  to="keys/retire"
                  hidden={{ key }}
                  label={SETTINGS_TEXT.retire}
                  about={key}
                />
              )}
            </li>
          );
        })}
      </ul>
      <SettingsForm request={request} to="keys">
        <button type="submit">{SETTINGS_TEXT.rotate}</button>
      </SettingsForm>
    </Card>
  );
}

function TimeZone({ request, data: { timeZones, ownersZone, problem } }: SectionProps): VNode {
  const { site } = request;
  return (
    <Card title={SETTINGS_TEXT.zone} id="zone-title">
      <SettingsForm request={request} to="time-zone" class="inline-form">
        <SelectField
          name="site-zone"
          label={SETTINGS_TEXT.reportingZone}
          hint={SETTINGS_TEXT.zoneHint}
          error={errorAt(problem, 'site-zone')}
        >
          <option value="" selected={site.timeZone === null}>
            {SETTINGS_TEXT.accountZone(ownersZone.replaceAll('_', ' '))}
          </option>
          <ZoneOptions zones={timeZones} chosen={site.timeZone} />
        </SelectField>
        <button type="submit">{SETTINGS_TEXT.save}</button>
      </SettingsForm>
    </Card>
  );
}

function Pages({ request }: { request: SiteRequest }): VNode {
  return (
    <Card title={SETTINGS_TEXT.pagesTitle} id="pages-title">
      <SettingsForm request={request} to="pages" class="stack">
        <label class="check-field">
          <input type="checkbox" name="merge-slashes" checked={request.site.mergeTrailingSlashes} />
          <span>{SETTINGS_TEXT.mergeSlashes}</span>
        </label>
        <p class="hint">{SETTINGS_TEXT.mergeSlashesHint}</p>
        <div class="row">
          <button type="submit">{SETTINGS_TEXT.save}</button>
        </div>
      </SettingsForm>
    </Card>
  );
}

function Retention({ request, data }: SectionProps): VNode {
  const { site } = request;
  return (
    <Card title={SETTINGS_TEXT.retention} id="retention-title">
      <SettingsForm request={request} to="retention" class="inline-form">
        <Field
          name="days"
          label={SETTINGS_TEXT.retentionDays}
          inputmode="numeric"
          maxlength={5}
          value={site.retentionDays === null ? '' : String(site.retentionDays)}
          hint={SETTINGS_TEXT.retentionHint(data.defaultRetentionDays)}
          error={errorAt(data.problem, 'days')}
        />
        <button type="submit">{SETTINGS_TEXT.save}</button>
      </SettingsForm>
    </Card>
  );
}
