import type { VNode } from 'preact';
import type { ExclusionsDryRun } from '../../app/exclusions.ts';
import { isLocalHost } from '../../domain/hosts.ts';
import { Card, Copyable, Notice } from '../kit/elements.tsx';
import { errorAt, Field, TextAreaField } from '../kit/form.tsx';
import type { SiteRequest } from '../kit/parts.ts';
import { QrCode } from '../kit/qr.tsx';
import { SaveOrPreview, type SectionProps, SettingsForm } from './elements.tsx';
import { exclusionsPreview, SETTINGS_TEXT } from './text.ts';

/** The exclusions of a site: rules for pages and countries, and a link that excludes the owner's own visits. */

export function ExcludedByRule({ request, data }: SectionProps): VNode {
  const { site } = request;
  const { exclusionsRun, typedExclusions, knowsCountries, problem } = data;
  const pages = typedExclusions?.pages ?? site.exclusions?.pages.join('\n') ?? '';
  const countries = typedExclusions?.countries ?? site.exclusions?.countries.join(' ') ?? '';
  return (
    <Card title={SETTINGS_TEXT.exclusions} id="exclusions-title">
      <SettingsForm request={request} to="exclusions" class="stack">
        <p class="hint">{SETTINGS_TEXT.exclusionsHint}</p>
        <TextAreaField
          name="excluded-pages"
          label={SETTINGS_TEXT.pages}
          hint={SETTINGS_TEXT.pagesHint}
          error={errorAt(problem, 'excluded-pages')}
          value={pages}
        />
        <Field
          name="excluded-countries"
          label={SETTINGS_TEXT.countries}
          hint={
            <>
              {SETTINGS_TEXT.countriesExample}{' '}
              {knowsCountries ? SETTINGS_TEXT.unknownCountries : SETTINGS_TEXT.countriesByZone}
            </>
          }
          autocapitalize="characters"
          maxlength={1_000}
          value={countries}
          error={errorAt(problem, 'excluded-countries')}
        />
        {exclusionsRun !== undefined && <Preview run={exclusionsRun} />}
        <SaveOrPreview />
      </SettingsForm>
    </Card>
  );
}

function Preview({ run }: { run: ExclusionsDryRun }): VNode {
  return <Notice kind={run.leftOut === 0 ? 'done' : 'note'}>{exclusionsPreview(run)}</Notice>;
}

export function OwnVisits({ request: { site } }: { request: SiteRequest }): VNode {
  const host = site.domain.includes(':') ? `[${site.domain}]` : site.domain;
  const page = `${isLocalHost(site.domain) ? 'http' : 'https'}://${host}/`;
  const off = `${page}#attractos-off`;
  return (
    <Card title={SETTINGS_TEXT.ownVisits} id="own-title">
      <div class="beside">
        <QrCode text={off} label={SETTINGS_TEXT.ownQr} />
        <div class="stack">
          <p>{SETTINGS_TEXT.ownHow}</p>
          <p class="hint">{SETTINGS_TEXT.ownScript}</p>
          <Copyable id="own-off" text={off} label={SETTINGS_TEXT.ownOff} />
          <p class="hint">{SETTINGS_TEXT.ownUndo}</p>
          <Copyable id="own-on" text={`${page}#attractos-on`} label={SETTINGS_TEXT.ownOn} />
        </div>
      </div>
    </Card>
  );
}
