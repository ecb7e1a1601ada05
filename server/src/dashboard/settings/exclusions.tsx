import type { VNode } from 'preact';
import type { ExclusionsDryRun } from '../../app/exclusions.ts';
import {
  type AllExclusions,
  allExclusions,
  type ExclusionList,
  ExclusionRules,
} from '../../domain/exclusions.ts';
import { isLocalHost, shownDomain } from '../../domain/hosts.ts';
import { ownNetwork } from '../../domain/networks.ts';
import { displayPage } from '../../domain/page-path.ts';
import { PROXY_HEADERS } from '../../http/client-addresses.ts';
import { Card, Copyable, Notice } from '../kit/elements.tsx';
import { errorAt, Field, TextAreaField } from '../kit/form.tsx';
import type { SiteRequest } from '../kit/parts.ts';
import { QrCode } from '../kit/qr.tsx';
import {
  excludedField,
  SaveOrPreview,
  type SectionProps,
  SettingsForm,
  type TypedRules,
} from './elements.tsx';
import { exclusionsPreview, SETTINGS_TEXT } from './text.ts';

/** The exclusions of a site: rules, and a link and a button that exclude the owner's own visits. */

export function ExcludedByRule({ request, data }: SectionProps): VNode {
  const { exclusionsRun, typedExclusions, knowsNetworks, problem } = data;
  const rules = typedExclusions ?? asTyped(allExclusions(request.site.exclusions));
  const area = (list: Exclude<ExclusionList, 'countries'>) => (
    <TextAreaField
      name={excludedField(list)}
      label={SETTINGS_TEXT.excluded[list].label}
      hint={SETTINGS_TEXT.excluded[list].hint}
      error={errorAt(problem, excludedField(list))}
      value={rules[list]}
    />
  );
  return (
    <Card title={SETTINGS_TEXT.exclusions} id="exclusions-title">
      <SettingsForm request={request} to="exclusions" class="stack">
        <p class="hint">{SETTINGS_TEXT.exclusionsHint}</p>
        <div class="fields">
          {area('pages')}
          {area('hosts')}
          {area('addresses')}
          {area('agents')}
          {area('referrers')}
          <Field
            name={excludedField('countries')}
            label={SETTINGS_TEXT.countries}
            hint={
              <>
                {SETTINGS_TEXT.countriesExample} {SETTINGS_TEXT.unknownCountries}
              </>
            }
            autocapitalize="characters"
            maxlength={1_000}
            value={rules.countries}
            error={errorAt(problem, excludedField('countries'))}
          />
        </div>
        <label class="check-field">
          <input type="checkbox" name="referrer-spam" checked={rules.referrerSpam} />
          <span>{SETTINGS_TEXT.referrerSpam}</span>
        </label>
        <label class="check-field">
          <input type="checkbox" name="data-centers" checked={rules.dataCenters} />
          <span>
            {SETTINGS_TEXT.dataCenters}{' '}
            <span class="hint">
              {knowsNetworks ? SETTINGS_TEXT.dataCentersHint : SETTINGS_TEXT.noNetworks}
            </span>
          </span>
        </label>
        {exclusionsRun !== undefined && <Preview run={exclusionsRun} />}
        <SaveOrPreview />
      </SettingsForm>
    </Card>
  );
}

/** How the entries of a list are shown, where it is not as they are stored. */
const SHOWN: Readonly<Partial<Record<ExclusionList, (entry: string) => string>>> = {
  pages: displayPage,
  referrers: shownDomain,
  hosts: shownDomain,
};

function asTyped({ referrerSpam, dataCenters, ...lists }: AllExclusions): TypedRules {
  const lines = (list: ExclusionList) =>
    lists[list].map(SHOWN[list] ?? String).join(list === 'countries' ? ' ' : '\n');
  return {
    ...{ pages: lines('pages'), countries: lines('countries'), addresses: lines('addresses') },
    ...{ referrers: lines('referrers'), hosts: lines('hosts'), agents: lines('agents') },
    ...{ referrerSpam, dataCenters },
  };
}

function Preview({ run }: { run: ExclusionsDryRun }): VNode {
  return (
    <Notice kind={run.leftOut === 0 && run.unknown.length === 0 ? 'done' : 'note'}>
      {exclusionsPreview(run)}
    </Notice>
  );
}

export function OwnVisits({ request }: { request: SiteRequest }): VNode {
  const { site } = request;
  const host = site.domain.includes(':') ? `[${site.domain}]` : site.domain;
  const page = `${isLocalHost(site.domain) ? 'http' : 'https'}://${host}/`;
  const off = `${page}#attractos-off`;
  return (
    <Card title={SETTINGS_TEXT.ownVisits} id="own-title">
      <div class="beside">
        <QrCode text={off} label={SETTINGS_TEXT.ownQr} />
        <div class="stack">
          <OwnAddress request={request} />
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

/** The address that the server sees, with a button that excludes it. */
function OwnAddress({ request }: { request: SiteRequest }): VNode {
  const { site, clientAddress, client, headers } = request;
  const network = ownNetwork(clientAddress);
  const text = SETTINGS_TEXT.ownAddress(clientAddress);
  // The address of the connection is a proxy's, and so that of all visitors, if the proxy is not trusted or names no client.
  const hasProxy = client.isFromProxy || PROXY_HEADERS.some((name) => headers[name] !== undefined);
  if (network === null || (client.header === null && hasProxy))
    return (
      <p>
        {text} {SETTINGS_TEXT.ownAddressOfProxy}{' '}
        <a href={`/dashboard/sites/${site.id}/you`}>{SETTINGS_TEXT.whatServerSees}</a>
      </p>
    );
  if (new ExclusionRules(site.exclusions).excludesAddress(clientAddress))
    return (
      <p>
        {text} {SETTINGS_TEXT.ownAddressExcluded}
      </p>
    );
  return (
    <>
      <p>{text}</p>
      <SettingsForm request={request} to="exclusions/own-address">
        <button type="submit">{SETTINGS_TEXT.excludeOwn(network)}</button>
      </SettingsForm>
      <p class="hint">{SETTINGS_TEXT.ownAddressHint}</p>
    </>
  );
}
