import type { VNode } from 'preact';
import { DAY_MS } from '../../domain/clock.ts';
import { shownDomain } from '../../domain/hosts.ts';
import { documentOf } from '../kit/document.tsx';
import { Ago, Notice } from '../kit/elements.tsx';
import { date, dayAndMonth, percent, whole } from '../kit/format.ts';
import type { Frame } from '../kit/parts.ts';
import { SITES_TEXT } from './text.ts';

export interface SiteCard {
  id: string;
  domain: string;
  /** The number of events in the current billing month. */
  month: number;
  /** The number of events on each day, oldest first. */
  days: readonly number[];
  firstDayMs: number;
  lastEventAtMs: number | null;
  /** The number of visitors in the last five minutes. */
  live: number;
  /** The number of beacons refused in the last seven days. */
  refusedRecently: number;
  /** Whether a busy site has stopped sending events. */
  quiet: boolean;
  /** Whether the user owns the site. */
  isOwn: boolean;
}

export interface SitesData {
  cards: readonly SiteCard[];
  nowMs: number;
  /** The number of events on all own sites in the current billing month. */
  month: number;
  /** The monthly event limit of the plan; null if it is unlimited. */
  allowance: number | null;
  monthEndsDay: number;
  earlier: number | null;
  later: number | null;
}

export function sitesPage(frame: Frame, data: SitesData): string {
  const { cards, nowMs, month, allowance, monthEndsDay } = data;
  return documentOf({
    frame,
    title: SITES_TEXT.title,
    children: (
      <>
        <div class="head">
          <h1>{SITES_TEXT.title}</h1>
          <a class="button primary" href="/dashboard/add-site">
            {SITES_TEXT.add}
          </a>
        </div>
        <Allowance month={month} allowance={allowance} monthEndsDay={monthEndsDay} />
        <ul class="site-cards">
          {cards.map((card) => (
            <li>
              <SiteTile card={card} nowMs={nowMs} allowance={card.isOwn ? allowance : null} />
            </li>
          ))}
        </ul>
        {(data.earlier !== null || data.later !== null) && (
          <nav class="row" aria-label={SITES_TEXT.more}>
            {data.earlier !== null && <a href={`/dashboard?from=${data.earlier}`}>{SITES_TEXT.previous}</a>}
            {data.later !== null && <a href={`/dashboard?from=${data.later}`}>{SITES_TEXT.next}</a>}
          </nav>
        )}
      </>
    ),
  });
}

function Allowance({
  month,
  allowance,
  monthEndsDay,
}: Pick<SitesData, 'month' | 'allowance' | 'monthEndsDay'>): VNode {
  const resets = SITES_TEXT.resets(dayAndMonth((monthEndsDay + 1) * DAY_MS));
  if (allowance === null)
    return (
      <p class="hint">
        {SITES_TEXT.thisMonth(month)} · {resets}
      </p>
    );
  if (month > allowance)
    return <Notice kind="note">{SITES_TEXT.over(whole(month), whole(allowance), resets)}</Notice>;
  return (
    <div class="allowance">
      <p>
        <strong>{whole(month)}</strong> {SITES_TEXT.ofLimit(whole(allowance))}
        <span class="hint"> · {resets}</span>
      </p>
      <Meter used={month} of={allowance} />
    </div>
  );
}

/** The bar of the monthly limit. The text beside it says the same. */
function Meter({ used, of }: { used: number; of: number }): VNode {
  const percent = used === 0 ? 0 : Math.min(100, Math.max(0.5, (100 * used) / of));
  return (
    <svg class={`meter${used > of * NEARLY_USED ? ' meter-nearly' : ''}`} aria-hidden="true">
      <rect class="meter-all" width="100%" height="100%" rx="3" />
      <rect class="meter-used" width={`${percent.toFixed(1)}%`} height="100%" rx="3" />
    </svg>
  );
}

/** The share of the limit from which the bar warns. */
const NEARLY_USED = 0.9;

function shareText(used: number, of: number): string {
  const share = used / of;
  return SITES_TEXT.share(share > 0 && share < 0.01 ? SITES_TEXT.lessThanOne : percent(share));
}

function SiteTile({
  card,
  nowMs,
  allowance,
}: {
  card: SiteCard;
  nowMs: number;
  allowance: number | null;
}): VNode {
  return (
    <article class="card site-card">
      <h2>
        <a class="stretched" href={`/dashboard/sites/${card.id}`}>
          {shownDomain(card.domain)}
        </a>
        {!card.isOwn && <span class="tag">{SITES_TEXT.shared}</span>}
      </h2>
      <p class="figure">
        <strong>{whole(card.month)}</strong> {SITES_TEXT.eventsThisMonth(card.month)}
      </p>
      {allowance !== null && (
        <div class="site-share">
          <Meter used={card.month} of={allowance} />
          <span class="hint">{shareText(card.month, allowance)}</span>
        </div>
      )}
      <Sparkline days={card.days} firstDayMs={card.firstDayMs} />
      <p class="hint">
        {card.lastEventAtMs === null ? (
          SITES_TEXT.waiting
        ) : (
          <>
            {SITES_TEXT.lastEvent} <Ago atMs={card.lastEventAtMs} nowMs={nowMs} />
          </>
        )}
        {card.live > 0 && (
          <span class="live">
            <span class="dot" aria-hidden="true" />
            {SITES_TEXT.online(card.live)}
          </span>
        )}
      </p>
      {card.quiet && (
        <p class="warn">
          {SITES_TEXT.quiet} <a href={`/dashboard/sites/${card.id}/install`}>{SITES_TEXT.quietLink}</a>
        </p>
      )}
      {card.refusedRecently > 0 && (
        <p class="warn-link">
          <a href={`/dashboard/sites/${card.id}/not-counted`}>
            {SITES_TEXT.notCounted(whole(card.refusedRecently))}
          </a>
        </p>
      )}
    </article>
  );
}

const SPARK_WIDTH = 300;
const SPARK_HEIGHT = 48;

/** A bar chart of thirty days, with a text for screen readers. */
function Sparkline({ days, firstDayMs }: { days: readonly number[]; firstDayMs: number }): VNode {
  const most = Math.max(...days, 1);
  const total = days.reduce((sum, count) => sum + count, 0);
  const step = SPARK_WIDTH / days.length;
  const label = SITES_TEXT.spark(days.length, date(firstDayMs), total, Math.max(...days));
  return (
    <svg
      class="spark"
      viewBox={`0 0 ${SPARK_WIDTH} ${SPARK_HEIGHT}`}
      preserveAspectRatio="none"
      role="img"
      aria-label={label}
    >
      {days.map((count, i) => {
        const height = count === 0 ? 1 : Math.max(2, (count / most) * SPARK_HEIGHT);
        return (
          <rect
            class={count === 0 ? 'spark-none' : 'spark-bar'}
            x={(i * step + 1).toFixed(1)}
            y={(SPARK_HEIGHT - height).toFixed(1)}
            width={(step - 2).toFixed(1)}
            height={height.toFixed(1)}
          />
        );
      })}
    </svg>
  );
}
