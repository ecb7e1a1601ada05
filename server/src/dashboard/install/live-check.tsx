import type { VNode } from 'preact';
import { shownDomain, shownHost } from '../../domain/hosts.ts';
import { Csrf } from '../kit/form.tsx';
import type { Frame } from '../kit/parts.ts';
import { CAUSES, CHECK_TEXT, INSTALL_TEXT } from './text.ts';

export interface CheckData {
  siteId: string;
  domain: string;
  /** Only events after this id count for the check. */
  sinceId: number;
  mayConfigure: boolean;
  /** The host of the page that loaded the script although no event followed; null if there is none. */
  silentHost: string | null;
  /** The address of the script. */
  scriptUrl: string;
  /** The sources that a page's Content-Security-Policy must allow. */
  policy: string;
}

const STEPS = [
  { id: 'script', ...CHECK_TEXT.script },
  { id: 'beacon', ...CHECK_TEXT.event },
  { id: 'counted', ...CHECK_TEXT.counted },
] as const;

/**
 * The live check, which updates while the page is open. Without JavaScript, it explains what to do. The form that allows a host
 * is on the page from the start, because it needs the page's CSRF token.
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
      <h2 id="check-title">{INSTALL_TEXT.check}</h2>
      <p class="check-state" data-check-state>
        <span class="pulse" aria-hidden="true" />
        <span data-check-text>{CHECK_TEXT.listening(shownDomain(domain))}</span>
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
              {INSTALL_TEXT.allowHost}
            </button>
          </form>
        )}
      </div>
      <p data-check-done hidden>
        <a class="button primary" href={`/dashboard/sites/${siteId}`}>
          {INSTALL_TEXT.openReport}
        </a>
      </p>
      <noscript>
        <p class="hint">{INSTALL_TEXT.noScript}</p>
      </noscript>
      <Causes check={check} />
    </section>
  );
}

/** The likely causes of silence, each with its test. The live check's script opens them after a while without an event. */
function Causes({ check: { siteId, silentHost, scriptUrl, policy } }: { check: CheckData }): VNode {
  return (
    <details data-check-help open={silentHost !== null}>
      <summary data-check-silence>
        {silentHost === null ? CHECK_TEXT.notWorking : CHECK_TEXT.silent(shownHost(silentHost))}
      </summary>
      <ol class="causes">
        {CAUSES.map((cause) => (
          <li data-cause={cause.id} hidden={cause.id === 'path' && silentHost !== null}>
            <strong>{cause.name}</strong>{' '}
            {'here' in cause && (
              <strong class="cause-here" data-cause-here hidden>
                {cause.here}
              </strong>
            )}
            <p>{cause.test}</p>
            {cause.id === 'csp' && <Code text={policy} />}
            {cause.id === 'path' && <Code id="script-url" text={scriptUrl} />}
          </li>
        ))}
      </ol>
      <p>
        <a href={`/dashboard/sites/${siteId}/you`}>{INSTALL_TEXT.whoami}</a>
      </p>
    </details>
  );
}

function Code({ id, text }: { id?: string; text: string }): VNode {
  return (
    <p>
      <code id={id}>{text}</code>
    </p>
  );
}
