import type { VNode } from 'preact';
import { shownHost } from '../../domain/hosts.ts';
import { OTHER_HOST } from '../../store/contract/store.ts';
import { Copyable, Notice } from '../kit/elements.tsx';
import type { Tracker } from '../kit/parts.ts';
import type { MissingKey } from './missing-key.ts';
import { addressWarning, keyedTag, pinnedTag, policyFor, type Snippet, snippetsFor } from './snippets.ts';
import { INSTALL_TEXT } from './text.ts';

/** The most hosts to name, since a site that allows all subdomains may have any number. */
const HOSTS_NAMED = 3;

/** The snippets in tabs. Tabs are radio buttons, so that they work without JavaScript and with the keyboard. */
export function Install({
  baseUrl,
  siteKey,
  domain,
  tracker,
  missingKey,
}: {
  baseUrl: string;
  siteKey: string;
  domain: string;
  tracker: Tracker;
  missingKey: MissingKey;
}): VNode {
  const warning = addressWarning(baseUrl, domain);
  const snippets = snippetsFor(baseUrl, siteKey, tracker);
  const pinned = pinnedTag(baseUrl, siteKey, tracker);
  return (
    <div class="install">
      {warning !== null && <Notice kind="wrong">{warning}</Notice>}
      {missingKey.events > 0 && (
        <Notice kind="wrong">
          <p>{INSTALL_TEXT.missingKey(missingKey.events, namedHosts(missingKey.hosts))}</p>
          <Copyable
            id="keyed"
            text={keyedTag(baseUrl, siteKey, tracker)}
            label={INSTALL_TEXT.missingKeyLabel}
          />
        </Notice>
      )}
      <fieldset class="tabs">
        <legend class="visually-hidden">{INSTALL_TEXT.platform}</legend>
        {snippets.map(({ id, name }, i) => (
          <label>
            <input type="radio" name="snippet" value={id} checked={i === 0} />
            <span>{name}</span>
          </label>
        ))}
      </fieldset>
      {snippets.map((snippet) => (
        <Panel snippet={snippet} />
      ))}
      <details>
        <summary>{INSTALL_TEXT.csp}</summary>
        <p>{INSTALL_TEXT.cspHint}</p>
        <Copyable id="csp" text={policyFor(baseUrl)} label={INSTALL_TEXT.cspLabel} />
        {pinned !== null && (
          <>
            <p>{INSTALL_TEXT.sriHint}</p>
            <Copyable id="sri" text={pinned} label={INSTALL_TEXT.sriLabel} />
          </>
        )}
      </details>
    </div>
  );
}

function namedHosts(hosts: readonly string[]): string {
  const named = hosts.filter((host) => host !== OTHER_HOST).slice(0, HOSTS_NAMED);
  return [...named.map(shownHost), ...(named.length < hosts.length ? [INSTALL_TEXT.otherHosts] : [])].join(
    ', ',
  );
}

function Panel({ snippet: { id, where, code } }: { snippet: Snippet }): VNode {
  return (
    <div class={`tab-panel tab-panel-${id}`}>
      <p class="hint">{where}</p>
      <Copyable id={`snippet-${id}`} text={code} label={INSTALL_TEXT.snippetLabel} />
    </div>
  );
}
