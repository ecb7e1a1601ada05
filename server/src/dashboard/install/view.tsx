import type { VNode } from 'preact';
import { shownHost } from '../../domain/hosts.ts';
import { OTHER_HOST } from '../../store/contract/store.ts';
import { Copyable, Notice } from '../kit/elements.tsx';
import type { Tracker } from '../kit/parts.ts';
import type { Choice } from './choice.ts';
import type { MissingKey } from './missing-key.ts';
import { Options } from './options.tsx';
import { addressWarning, keyedTag, pinnedTag, policyFor, type Snippet, snippetsFor } from './snippets.ts';
import { INSTALL_TEXT } from './text.ts';

/** The most hosts to name, since a site that allows all subdomains may have any number. */
const HOSTS_NAMED = 3;

/**
 * The snippets in tabs, and the options that change them. Tabs are radio buttons, so that they work without JavaScript and with the
 * keyboard. Each is followed by its panel, so that the style sheet need not know the platforms.
 */
export function Install({
  baseUrl,
  siteId,
  siteKey,
  domain,
  tracker,
  choice,
  missingKey,
}: {
  baseUrl: string;
  siteId: string;
  siteKey: string;
  domain: string;
  tracker: Tracker;
  choice: Choice;
  missingKey: MissingKey;
}): VNode {
  const warning = addressWarning(baseUrl, domain);
  const parts = { baseUrl, siteKey, tracker, choice };
  const snippets = snippetsFor(parts);
  const shown = snippets.find(({ id }) => id === choice.platform) ?? snippets[0];
  const pinned = pinnedTag(parts);
  return (
    <form class="install" action={`/dashboard/sites/${siteId}/install`} autocomplete="off" data-install>
      {warning !== null && <Notice kind="wrong">{warning}</Notice>}
      {missingKey.events > 0 && (
        <Notice kind="wrong">
          <p>{INSTALL_TEXT.missingKey(missingKey.events, namedHosts(missingKey.hosts))}</p>
          <Copyable id="keyed" text={keyedTag(parts)} label={INSTALL_TEXT.missingKeyLabel} />
        </Notice>
      )}
      <fieldset class="tabs">
        <legend class="visually-hidden">{INSTALL_TEXT.platform}</legend>
        {snippets.map((snippet) => (
          <>
            <label>
              <input type="radio" name="platform" value={snippet.id} checked={snippet === shown} />
              <span>{snippet.name}</span>
            </label>
            <Panel snippet={snippet} />
          </>
        ))}
      </fieldset>
      <Options choice={choice} />
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
    </form>
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
    <div class="tab-panel">
      <p class="hint">{where}</p>
      <Copyable id={`snippet-${id}`} text={code} label={INSTALL_TEXT.snippetLabel} />
    </div>
  );
}
