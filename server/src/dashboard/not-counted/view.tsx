import type { VNode } from 'preact';
import { fieldHint } from '../../app/event-fields.ts';
import type { Balance } from '../../app/ledger.ts';
import { shownDomain, shownHost } from '../../domain/hosts.ts';
import type { Explanation } from '../../domain/outcomes.ts';
import { OTHER_HOST, type RefusedInOutage } from '../../store/contract/store.ts';
import { Ago, Card, Notice } from '../kit/elements.tsx';
import { Form } from '../kit/form.tsx';
import { date, whole } from '../kit/format.ts';
import type { Frame, SitePageRequest } from '../kit/parts.ts';
import { siteDocument } from '../kit/site-frame.tsx';
import { NOT_COUNTED_TEXT } from './text.ts';

/** The events refused for one reason, from one host or because of one field. */
export interface RefusedLine {
  reason: Explanation;
  /** At least one. */
  hosts: readonly string[];
  /** The field that was wrong; empty if unknown. */
  field: string;
  count: number;
  firstAtMs: number;
  lastAtMs: number;
  /** Whether one click can allow the host. */
  canAllow: boolean;
  isAllowed: boolean;
}

export interface NotCountedData {
  days: number;
  spans: readonly number[];
  nowMs: number;
  fromMs: number;
  balance: Balance;
  refused: readonly RefusedLine[];
  mayConfigure: boolean;
  /** The events that were refused since the server can store none; null if it can. */
  outage: RefusedInOutage | null;
  /** The script fetch since which no event followed; null if there is none. */
  silent: { host: string; atMs: number } | null;
  /** The host that was just allowed; null if there is none. */
  allowed: string | null;
  /** The error, if a host could not be allowed. */
  problem?: string;
}

export function notCountedPage(request: SitePageRequest, data: NotCountedData): string {
  const { site, frame } = request;
  const { days, spans, fromMs, refused, allowed, problem, silent, outage } = data;
  return siteDocument(request, {
    title: NOT_COUNTED_TEXT.title,
    here: 'not-counted',
    children: (
      <>
        {problem !== undefined && <Notice kind="wrong">{problem}</Notice>}
        {outage !== null && (
          <Notice kind="wrong">
            {NOT_COUNTED_TEXT.outage(outage.events)} <Ago atMs={outage.sinceMs} nowMs={data.nowMs} />.{' '}
            {NOT_COUNTED_TEXT.outageLedger}
          </Notice>
        )}
        {allowed !== null && allowed !== '' && (
          <Notice kind="done">{NOT_COUNTED_TEXT.allowed(shownDomain(allowed))}</Notice>
        )}
        {silent !== null && (
          <Notice kind="note">
            {NOT_COUNTED_TEXT.silent(shownDomain(silent.host))} <Ago atMs={silent.atMs} nowMs={data.nowMs} />.{' '}
            <a href={`/dashboard/sites/${site.id}/install`}>{NOT_COUNTED_TEXT.silentHelp}</a>
          </Notice>
        )}
        <div class="head">
          <h2>{NOT_COUNTED_TEXT.heading}</h2>
          <nav class="spans" aria-label={NOT_COUNTED_TEXT.period}>
            <ul>
              {spans.map((span) => (
                <li>
                  <a
                    href={`/dashboard/sites/${site.id}/not-counted?days=${span}`}
                    aria-current={span === days ? 'true' : undefined}
                  >
                    {span === 1 ? NOT_COUNTED_TEXT.today : NOT_COUNTED_TEXT.days(span)}
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
              <strong>{NOT_COUNTED_TEXT.none}</strong>
            </p>
            <p class="hint">{NOT_COUNTED_TEXT.noneHint(date(fromMs))}</p>
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

/** The sum: received = counted + duplicates + crawlers + refused. */
function Sum({ balance, fromMs }: { balance: Balance; fromMs: number }): VNode {
  const bots = balance.refused.bot ?? 0;
  const refused = Object.values(balance.refused).reduce((sum, count) => sum + count, 0) - bots;
  const figures = [
    {
      name: NOT_COUNTED_TEXT.received,
      value: balance.received,
      hint: NOT_COUNTED_TEXT.receivedHint(date(fromMs)),
    },
    { name: NOT_COUNTED_TEXT.counted, value: balance.accepted, hint: NOT_COUNTED_TEXT.countedHint },
    { name: NOT_COUNTED_TEXT.duplicates, value: balance.duplicate, hint: NOT_COUNTED_TEXT.duplicatesHint },
    { name: NOT_COUNTED_TEXT.crawlers, value: bots, hint: NOT_COUNTED_TEXT.crawlersHint },
    { name: NOT_COUNTED_TEXT.rejected, value: refused, hint: NOT_COUNTED_TEXT.rejectedHint },
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
  line: RefusedLine;
  nowMs: number;
  mayConfigure: boolean;
}): VNode {
  const { reason, hosts, field, count } = line;
  const host = hosts[0] ?? '';
  const hint = fieldHint(field);
  return (
    <article class="card refusal-card">
      <div>
        <h3>
          {reason.title}
          {hosts.length > 1 && <>: {NOT_COUNTED_TEXT.hosts(hosts.length)}</>}
          {hosts.length === 1 && host !== '' && (
            <>
              :{' '}
              <span class="host">{host === OTHER_HOST ? NOT_COUNTED_TEXT.otherHosts : shownHost(host)}</span>
            </>
          )}
          {field !== '' && (
            <>
              : <code>{field === OTHER_HOST ? NOT_COUNTED_TEXT.otherFields : field}</code>
            </>
          )}
        </h3>
        <p class="figure">
          <strong>{whole(count)}</strong> {NOT_COUNTED_TEXT.events(count)} · {NOT_COUNTED_TEXT.last}{' '}
          <Ago atMs={line.lastAtMs} nowMs={nowMs} /> · {NOT_COUNTED_TEXT.first}{' '}
          <Ago atMs={line.firstAtMs} nowMs={nowMs} />
        </p>
        <p>{reason.meaning}</p>
        {hint !== null && <p>{hint}</p>}
        <p>{reason.remedy}</p>
        {line.isAllowed && <p class="hint">{NOT_COUNTED_TEXT.isAllowed(count)}</p>}
      </div>
      {mayConfigure && line.canAllow && (
        <Form frame={frame} action={`/dashboard/sites/${siteId}/allow`} hidden={{ host }}>
          <button type="submit">{NOT_COUNTED_TEXT.allow(shownHost(host))}</button>
        </Form>
      )}
    </article>
  );
}
