import type { VNode } from 'preact';
import { pinnedTag, policyFor, type Snippet, snippetsFor, type Tracker } from '../snippets.ts';
import { Copyable } from './parts.tsx';

/** The tag for wherever it goes. Tabs are radio buttons, so they work without script and from the keyboard. */
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
        <legend class="visually-hidden">Where does the tag go?</legend>
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
        <summary>Content-Security-Policy and integrity</summary>
        <p>If your pages send a Content-Security-Policy, add this to it:</p>
        <Copyable id="csp" text={policyFor(baseUrl)} label="the policy" />
        {pinned !== null && (
          <>
            <p>To pin the script to exactly the file it is today (it then never updates by itself):</p>
            <Copyable id="sri" text={pinned} label="the tag with integrity" />
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
      <Copyable id={`snippet-${id}`} text={code} label="the snippet" />
    </div>
  );
}
