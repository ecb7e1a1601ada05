import type { VNode } from 'preact';
import { Copyable } from '../kit/elements.tsx';
import type { Tracker } from '../kit/parts.ts';
import { pinnedTag, policyFor, type Snippet, snippetsFor } from './snippets.ts';
import { INSTALL_TEXT } from './text.ts';

/** The snippets in tabs. Tabs are radio buttons, so that they work without JavaScript and with the keyboard. */
export function Install({
  baseUrl,
  siteKey,
  tracker,
}: {
  baseUrl: string;
  siteKey: string;
  tracker: Tracker;
}): VNode {
  const snippets = snippetsFor(baseUrl, siteKey, tracker);
  const pinned = pinnedTag(baseUrl, siteKey, tracker);
  return (
    <div class="install">
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

function Panel({ snippet: { id, where, code } }: { snippet: Snippet }): VNode {
  return (
    <div class={`tab-panel tab-panel-${id}`}>
      <p class="hint">{where}</p>
      <Copyable id={`snippet-${id}`} text={code} label={INSTALL_TEXT.snippetLabel} />
    </div>
  );
}
