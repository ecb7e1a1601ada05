import type { VNode } from 'preact';
import { shownDomain } from '../../hosts.ts';
import type { Frame } from '../parts.ts';
import { Csrf } from './document.tsx';

export interface CheckData {
  siteId: string;
  domain: string;
  /** Only what happens after this counts for the check. */
  sinceId: number;
  mayConfigure: boolean;
}

const STEPS = [
  { id: 'script', name: 'The script is fetched', waiting: 'Open a page that carries the tag.' },
  { id: 'beacon', name: 'A beacon arrives', waiting: 'The page reports itself as soon as it is seen.' },
  { id: 'counted', name: 'It is counted', waiting: 'On disk, deduplicated and counted, in one commit.' },
] as const;

/**
 * Listens while the page is open. The script fills it in as things happen; without script it says what to do. The form for
 * allowing a host is here from the start, so that its token is, too.
 */
export function LiveCheck({ frame, check }: { frame: Frame; check: CheckData }): VNode {
  const { siteId, domain, sinceId, mayConfigure } = check;
  return (
    <section
      class="card check"
      aria-labelledby="check-title"
      data-live-check={`/dashboard/sites/${siteId}/live?after=${sinceId}`}
      data-site={`/dashboard/sites/${siteId}`}
    >
      <h2 id="check-title">Live check</h2>
      <p class="check-state" data-check-state>
        <span class="pulse" aria-hidden="true" />
        <span data-check-text>Listening. Open a page of {shownDomain(domain)} that carries the tag.</span>
      </p>
      <ol class="steps">
        {STEPS.map(({ id, name, waiting }) => (
          <li data-step={id}>
            <span class="step-mark" aria-hidden="true" />
            <div>
              <strong>{name}</strong>
              <p class="hint" data-step-text>
                {waiting}
              </p>
            </div>
          </li>
        ))}
      </ol>
      <p class="visually-hidden" role="status" aria-live="polite" data-check-said />
      <div class="refusal" data-refusal hidden>
        <p>
          <strong data-refusal-title />
        </p>
        <p data-refusal-text />
        {mayConfigure && (
          <form method="post" action={`/dashboard/sites/${siteId}/allow`} data-allow hidden>
            <Csrf frame={frame} />
            <input type="hidden" name="host" value="" />
            <input type="hidden" name="back" value="site" />
            <button type="submit" class="primary" data-allow-button>
              Allow this host
            </button>
          </form>
        )}
      </div>
      <p data-check-done hidden>
        <a class="button primary" href={`/dashboard/sites/${siteId}`}>
          Open the report
        </a>
      </p>
      <noscript>
        <p class="hint">
          This list fills itself in where scripts may run. Without, open a page of your site and reload this
          one.
        </p>
      </noscript>
      <details>
        <summary>Nothing happens?</summary>
        <ul>
          <li>Is the tag in the page that is served? Look at the page’s source for “data-key”.</li>
          <li>An ad blocker in your own browser may stop it. Try a private window without extensions.</li>
          <li>Does the browser’s console speak of a Content-Security-Policy? The lines to add are above.</li>
          <li>Browsers that a program drives are not counted.</li>
          <li>
            <a href={`/dashboard/sites/${siteId}/you`}>What does the server see of this browser?</a>
          </li>
        </ul>
      </details>
    </section>
  );
}
