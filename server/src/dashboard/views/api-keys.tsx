import type { VNode } from 'preact';
import type { ApiKey } from '../../store/store.ts';
import type { Frame } from '../parts.ts';
import { Csrf, documentOf } from './document.tsx';
import { Ago, Card, Copyable, Field, Notice } from './parts.tsx';

export interface ApiKeysData {
  keys: readonly ApiKey[];
  nowMs: number;
  baseUrl: string;
  /** Shown this once. */
  made?: { name: string; key: string };
  problem?: string;
  typed?: string;
  revoked: boolean;
}

export function apiKeysPage(
  frame: Frame,
  { keys, nowMs, baseUrl, made, problem, typed = '', revoked }: ApiKeysData,
): string {
  const live = keys.filter(({ revokedAtMs }) => revokedAtMs === null);
  const dead = keys.filter(({ revokedAtMs }) => revokedAtMs !== null);
  return documentOf({
    frame,
    title: 'API keys',
    children: (
      <>
        <p class="crumbs">Settings</p>
        <h1>API keys</h1>
        <p class="lead">
          A key reads the numbers of your sites from your own programs. Keep it on a server; never put it into
          a page.
        </p>
        {revoked && <Notice kind="done">The key is revoked. Whatever used it gets a 401 from now on.</Notice>}
        {made !== undefined && <JustMade {...made} baseUrl={baseUrl} />}
        <Card title="New key" id="new">
          <form method="post" action="/dashboard/settings/api-keys" class="inline-form">
            <Csrf frame={frame} />
            <Field
              name="name"
              label="Descriptive name"
              required
              maxlength={100}
              autocomplete="off"
              placeholder="nightly report"
              value={typed}
              error={problem}
            />
            <div class="field">
              <label for="scope">May</label>
              <select id="scope" name="scope">
                <option value="read">read the numbers</option>
                <option value="write">report events</option>
                <option value="both">read and report</option>
              </select>
            </div>
            <button type="submit" class="primary">
              Generate New Key
            </button>
          </form>
        </Card>
        <Card title="Your keys" id="keys">
          {live.length === 0 ? (
            <p class="hint">None yet.</p>
          ) : (
            <ul class="lines">
              {live.map((key) => (
                <li>
                  <KeyLine frame={frame} apiKey={key} nowMs={nowMs} />
                </li>
              ))}
            </ul>
          )}
          {dead.length > 0 && (
            <details>
              <summary>Revoked keys ({dead.length})</summary>
              <ul class="lines">
                {dead.map(({ name, prefix, revokedAtMs }) => (
                  <li>
                    <div>
                      <strong>{name}</strong> <code>{prefix}…</code>
                      <p class="hint">
                        Revoked <Ago atMs={revokedAtMs ?? 0} nowMs={nowMs} />
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
      <h2 id="made">“{name}” is ready</h2>
      <p>
        <strong>Copy it now: it is shown only this once.</strong> What is kept is a hash, which cannot be
        turned back.
      </p>
      <Copyable id="made-key" text={key} label="the API key" />
      <p>Try it:</p>
      <Copyable
        id="made-curl"
        text={`curl -H "Authorization: Bearer ${key}" ${baseUrl}/api/v1/sites`}
        label="the command"
      />
    </section>
  );
}

function KeyLine({ frame, apiKey, nowMs }: { frame: Frame; apiKey: ApiKey; nowMs: number }): VNode {
  return (
    <>
      <div>
        <strong>{apiKey.name}</strong> <code>{apiKey.prefix}…</code>
        <p class="hint">
          {apiKey.scopes.join(' and ')}. Made <Ago atMs={apiKey.createdAtMs} nowMs={nowMs} />,{' '}
          {apiKey.lastUsedAtMs === null ? (
            'never used'
          ) : (
            <>
              last used <Ago atMs={apiKey.lastUsedAtMs} nowMs={nowMs} />
            </>
          )}
        </p>
      </div>
      <details class="confirm">
        <summary class="button small">
          Revoke<span class="visually-hidden"> {apiKey.name}</span>
        </summary>
        <form method="post" action="/dashboard/settings/api-keys/revoke">
          <Csrf frame={frame} />
          <input type="hidden" name="id" value={apiKey.id} />
          <p>Programs that use it stop working at once, for good.</p>
          <button type="submit" class="danger small">
            Revoke {apiKey.name}
          </button>
        </form>
      </details>
    </>
  );
}
