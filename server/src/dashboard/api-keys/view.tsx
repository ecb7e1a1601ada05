import type { VNode } from 'preact';
import { NAME_MAX_CHARS } from '../../app/inputs.ts';
import { shownDomain } from '../../domain/hosts.ts';
import type { ApiKey, Site } from '../../store/contract/store.ts';
import { documentOf } from '../kit/document.tsx';
import { Ago, Card, Copyable, Notice } from '../kit/elements.tsx';
import { Field, Form, SelectField } from '../kit/form.tsx';
import { isolated } from '../kit/format.ts';
import type { Frame } from '../kit/parts.ts';
import { API_KEYS_TEXT, permissionsOf, sitesNamed } from './text.ts';

export interface ApiKeysData {
  keys: readonly ApiKey[];
  /** The sites of the account, oldest first. */
  sites: readonly Pick<Site, 'id' | 'domain'>[];
  nowMs: number;
  baseUrl: string;
  /** A new key, which is shown only once. */
  made?: { name: string; key: string };
  problem?: string;
  typed?: string;
  /** The ids of the sites chosen in a form that was refused. */
  chosen?: readonly string[];
  revoked: boolean;
}

export function apiKeysPage(
  frame: Frame,
  { keys, sites, nowMs, baseUrl, made, problem, typed = '', chosen = [], revoked }: ApiKeysData,
): string {
  const live = keys.filter(({ revokedAtMs }) => revokedAtMs === null);
  const dead = keys.filter(({ revokedAtMs }) => revokedAtMs !== null);
  return documentOf({
    frame,
    title: API_KEYS_TEXT.title,
    children: (
      <>
        <p class="crumbs">{API_KEYS_TEXT.settings}</p>
        <h1>{API_KEYS_TEXT.title}</h1>
        <p class="lead">
          {API_KEYS_TEXT.lead} <a href="/docs">{API_KEYS_TEXT.reference}</a>
        </p>
        {revoked && <Notice kind="done">{API_KEYS_TEXT.revokedNow}</Notice>}
        {made !== undefined && <JustMade {...made} baseUrl={baseUrl} />}
        <Card title={API_KEYS_TEXT.new} id="new">
          <Form frame={frame} action="/dashboard/settings/api-keys" class="inline-form">
            <Field
              name="name"
              label={API_KEYS_TEXT.name}
              required
              maxlength={NAME_MAX_CHARS}
              autocomplete="off"
              placeholder={API_KEYS_TEXT.example}
              value={typed}
              error={problem}
            />
            <SelectField name="scope" label={API_KEYS_TEXT.permissions}>
              <option value="read">{API_KEYS_TEXT.read}</option>
              <option value="write">{API_KEYS_TEXT.write}</option>
              <option value="configure">{API_KEYS_TEXT.configure}</option>
              <option value="both">{API_KEYS_TEXT.both}</option>
            </SelectField>
            {sites.length > 1 && <SiteChoice sites={sites} chosen={chosen} />}
            <button type="submit" class="primary">
              {API_KEYS_TEXT.create}
            </button>
          </Form>
        </Card>
        <Card title={API_KEYS_TEXT.yours} id="keys">
          {live.length === 0 ? (
            <p class="hint">{API_KEYS_TEXT.none}</p>
          ) : (
            <ul class="lines">
              {live.map((key) => (
                <li>
                  <KeyLine frame={frame} apiKey={key} sites={sites} nowMs={nowMs} />
                </li>
              ))}
            </ul>
          )}
          {dead.length > 0 && (
            <details>
              <summary>{API_KEYS_TEXT.revokedKeys(dead.length)}</summary>
              <ul class="lines">
                {dead.map(({ name, prefix, revokedAtMs }) => (
                  <li>
                    <div>
                      <strong>
                        <bdi>{name}</bdi>
                      </strong>{' '}
                      <code>{prefix}…</code>
                      <p class="hint">
                        {API_KEYS_TEXT.revoked} <Ago atMs={revokedAtMs ?? 0} nowMs={nowMs} />
                      </p>
                    </div>
                  </li>
                ))}
              </ul>
            </details>
          )}
        </Card>
      </>
    ),
  });
}

function JustMade({ name, key, baseUrl }: { name: string; key: string; baseUrl: string }): VNode {
  return (
    <section class="card card-strong" aria-labelledby="made">
      <h2 id="made">{API_KEYS_TEXT.ready(isolated(name))}</h2>
      <p>
        <strong>{API_KEYS_TEXT.copyNow}</strong> {API_KEYS_TEXT.onlyHash}
      </p>
      <Copyable id="made-key" text={key} label={API_KEYS_TEXT.keyLabel} />
      <p>{API_KEYS_TEXT.tryIt}</p>
      <Copyable
        id="made-curl"
        text={`curl -H "Authorization: Bearer ${key}" ${baseUrl}/api/v1/sites`}
        label={API_KEYS_TEXT.command}
      />
    </section>
  );
}

/** The sites that a new key can be limited to. */
function SiteChoice({ sites, chosen }: { sites: ApiKeysData['sites']; chosen: readonly string[] }): VNode {
  return (
    <details class="choices" open={chosen.length > 0}>
      <summary>{API_KEYS_TEXT.limit}</summary>
      <p class="hint" id="sites-hint">
        {API_KEYS_TEXT.limitHint}
      </p>
      <fieldset aria-describedby="sites-hint">
        <legend class="visually-hidden">{API_KEYS_TEXT.limit}</legend>
        {sites.map(({ id, domain }) => (
          <label class="check-field">
            <input type="checkbox" name="site" value={id} checked={chosen.includes(id)} />
            <bdi>{shownDomain(domain)}</bdi>
          </label>
        ))}
      </fieldset>
    </details>
  );
}

function KeyLine({
  frame,
  apiKey,
  sites,
  nowMs,
}: {
  frame: Frame;
  apiKey: ApiKey;
  sites: ApiKeysData['sites'];
  nowMs: number;
}): VNode {
  const { siteIds } = apiKey;
  return (
    <>
      <div>
        <strong>
          <bdi>{apiKey.name}</bdi>
        </strong>{' '}
        <code>{apiKey.prefix}…</code>
        <p class="hint">
          {permissionsOf(apiKey.scopes)} ·{' '}
          {siteIds !== null && (
            <>
              {sitesNamed(
                sites.filter(({ id }) => siteIds.includes(id)).map(({ domain }) => shownDomain(domain)),
              )}{' '}
              ·{' '}
            </>
          )}
          {API_KEYS_TEXT.created} <Ago atMs={apiKey.createdAtMs} nowMs={nowMs} /> ·{' '}
          {apiKey.lastUsedAtMs === null ? (
            API_KEYS_TEXT.neverUsed
          ) : (
            <>
              {API_KEYS_TEXT.lastUsed} <Ago atMs={apiKey.lastUsedAtMs} nowMs={nowMs} />
            </>
          )}
        </p>
      </div>
      <details class="confirm">
        <summary class="button small">
          {API_KEYS_TEXT.revokeThis}
          <span class="visually-hidden"> {apiKey.name}</span>
        </summary>
        <Form frame={frame} action="/dashboard/settings/api-keys/revoke" hidden={{ id: apiKey.id }}>
          <p>{API_KEYS_TEXT.revokeHint}</p>
          <button type="submit" class="danger small">
            {API_KEYS_TEXT.revoke(isolated(apiKey.name))}
          </button>
        </Form>
      </details>
    </>
  );
}
