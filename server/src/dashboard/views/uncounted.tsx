import type { VNode } from 'preact';
import type { Balance } from '../../ledger.ts';
import { OTHER_HOST } from '../../store/store.ts';
import type { Frame, SiteVisit } from '../parts.ts';
import type { Reason } from '../reasons.ts';
import { Csrf } from './document.tsx';
import { Ago, Card, date, Notice, plural, whole } from './parts.tsx';
import { siteDocument } from './site-frame.tsx';

/** What was refused for one reason from one host. */
export interface UncountedLine {
  reason: Reason;
  host: string;
  count: number;
  firstAtMs: number;
  lastAtMs: number;
  /** Whether one click would count it from now on. */
  canAllow: boolean;
  isAllowed: boolean;
}

export interface UncountedData {
  days: number;
  spans: readonly number[];
  nowMs: number;
  fromMs: number;
  balance: Balance;
  refused: readonly UncountedLine[];
  mayConfigure: boolean;
  /** A host that was just allowed. */
  allowed: string | null;
}

export function uncountedPage(visit: SiteVisit, data: UncountedData): string {
  const { site, frame } = visit;
  const { days, spans, fromMs, refused, allowed } = data;
  return siteDocument(visit, {
    title: 'Not counted',
    here: 'not-counted',
    children: (
      <>
        {allowed !== null && allowed !== '' && (
          <Notice kind="done">
            Pages on {allowed} count from now on. What was refused before stays refused.
          </Notice>
        )}
        <div class="head">
          <h2>What became of everything received</h2>
          <nav class="spans" aria-label="How far back">
            <ul>
              {spans.map((span) => (
                <li>
                  <a
                    href={`/dashboard/sites/${site.id}/not-counted?days=${span}`}
                    aria-current={span === days ? 'true' : undefined}
                  >
                    {span === 1 ? 'Today' : `${span} days`}
                  </a>
                </li>
              ))}
            </ul>
          </nav>
        </div>
        <Sum balance={data.balance} fromMs={fromMs} />
        {refused.length === 0 ? (
          <Card>
            <p>
              <strong>Nothing was refused.</strong>
            </p>
            <p class="hint">
              Whatever a page of yours sent since {date(fromMs)} was counted, or was a repeat or a crawler.
            </p>
          </Card>
        ) : (
          <ul class="refusals">
            {refused.map((line) => (
              <li>
                <RefusalCard
                  frame={frame}
                  siteId={site.id}
                  line={line}
                  nowMs={data.nowMs}
                  mayConfigure={data.mayConfigure}
                />
              </li>
            ))}
          </ul>
        )}
      </>
    ),
  });
}

/** The books: received = counted + repeats + crawlers + refused. */
function Sum({ balance, fromMs }: { balance: Balance; fromMs: number }): VNode {
  const bots = balance.refused.bot ?? 0;
  const refused = Object.values(balance.refused).reduce((sum, count) => sum + count, 0) - bots;
  const figures = [
    { name: 'received', value: balance.received, hint: `since ${date(fromMs)}, UTC` },
    { name: 'counted', value: balance.accepted, hint: 'what the API and your plan count' },
    { name: 'repeats', value: balance.duplicate, hint: 'sent twice by a browser, counted once' },
    { name: 'crawlers', value: bots, hint: 'recorded as bot visits' },
    { name: 'refused', value: refused, hint: 'explained below' },
  ];
  return (
    <dl class="sum">
      {figures.map(({ name, value, hint }, i) => (
        <div>
          <dt>
            <span aria-hidden="true">{['', '= ', '+ ', '+ ', '+ '][i]}</span>
            {name}
          </dt>
          <dd>
            <strong>{whole(value)}</strong>
            <span class="hint">{hint}</span>
          </dd>
        </div>
      ))}
    </dl>
  );
}

function RefusalCard({
  frame,
  siteId,
  line,
  nowMs,
  mayConfigure,
}: {
  frame: Frame;
  siteId: string;
  line: UncountedLine;
  nowMs: number;
  mayConfigure: boolean;
}): VNode {
  const { reason, host, count } = line;
  return (
    <article class="card refusal-card">
      <div>
        <h3>
          {reason.name}
          {host !== '' && (
            <>
              : <span class="host">{host === OTHER_HOST ? 'many other hosts' : host}</span>
            </>
          )}
        </h3>
        <p class="figure">
          <strong>{whole(count)}</strong> {count === 1 ? 'beacon' : 'beacons'}, last{' '}
          <Ago atMs={line.lastAtMs} nowMs={nowMs} />, first <Ago atMs={line.firstAtMs} nowMs={nowMs} />
        </p>
        <p>{reason.meaning}</p>
        <p>{reason.advice}</p>
        {line.isAllowed && (
          <p class="hint">This host is allowed now: {plural(count, 'beacon')} came before.</p>
        )}
      </div>
      {mayConfigure && line.canAllow && (
        <form method="post" action={`/dashboard/sites/${siteId}/allow`}>
          <Csrf frame={frame} />
          <input type="hidden" name="host" value={host} />
          <button type="submit">Allow {host}</button>
        </form>
      )}
    </article>
  );
}
