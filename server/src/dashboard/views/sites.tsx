import type { VNode } from 'preact';
import { DAY_MS } from '../../clock.ts';
import { shownDomain } from '../../hosts.ts';
import type { Frame } from '../parts.ts';
import { documentOf } from './document.tsx';
import { Ago, date, Notice, plural, whole } from './parts.tsx';

export interface SiteCard {
  id: string;
  domain: string;
  /** Events of this billing month. */
  month: number;
  /** Events a day, oldest first. */
  days: readonly number[];
  firstDayMs: number;
  lastEventAtMs: number | null;
  /** Visitors in the last five minutes. */
  live: number;
  /** Beacons refused in the last seven days. */
  refusedRecently: number;
  /** Busy until lately, and silent now. */
  quiet: boolean;
  /** Owned, or worked on for somebody else. */
  isOwn: boolean;
}

export interface SitesData {
  cards: readonly SiteCard[];
  nowMs: number;
  /** Events of the month on all own sites, and how many the plan allows. */
  month: number;
  allowance: number | null;
  monthEndsDay: number;
  earlier: number | null;
  later: number | null;
}

export function sitesPage(frame: Frame, data: SitesData): string {
  const { cards, nowMs, month, allowance, monthEndsDay } = data;
  return documentOf({
    frame,
    title: 'Sites',
    children: (
      <>
        <div class="head">
          <h1>Sites</h1>
          <a class="button primary" href="/dashboard/add-site">
            Add a site
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
          <nav class="row" aria-label="More sites">
            {data.earlier !== null && <a href={`/dashboard?from=${data.earlier}`}>Earlier sites</a>}
            {data.later !== null && <a href={`/dashboard?from=${data.later}`}>Later sites</a>}
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
  const until = date(monthEndsDay * DAY_MS);
  if (allowance === null)
    return (
      <p class="hint">
        {plural(month, 'event')} this month, until {until}.
      </p>
    );
  if (month > allowance)
    return (
      <Notice kind="note">
        {whole(month)} events this month, on all sites: more than the {whole(allowance)} of the plan. All of
        them are stored and counted.
      </Notice>
    );
  return (
    <div class="allowance">
      <p>
        <strong>{whole(month)}</strong> of {whole(allowance)} events this month
        <span class="hint"> until {until}</span>
      </p>
      <Meter used={month} of={allowance} />
    </div>
  );
}

/** How much of an allowance is used. What it shows stands in words beside it. */
function Meter({ used, of }: { used: number; of: number }): VNode {
  const percent = used === 0 ? 0 : Math.min(100, Math.max(0.5, (100 * used) / of));
  return (
    <svg class={`meter${used > of * NEARLY_USED ? ' meter-nearly' : ''}`} aria-hidden="true">
      <rect class="meter-all" width="100%" height="100%" rx="3" />
      <rect class="meter-used" width={`${percent.toFixed(1)}%`} height="100%" rx="3" />
    </svg>
  );
}

/** From this share of the allowance on, the bar warns. */
const NEARLY_USED = 0.9;

function shareText(used: number, of: number): string {
  const percent = (100 * used) / of;
  return `${percent > 0 && percent < 1 ? 'under 1' : Math.round(percent)} % of the allowance`;
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
        {!card.isOwn && <span class="tag">shared with you</span>}
      </h2>
      <p class="figure">
        <strong>{whole(card.month)}</strong> {card.month === 1 ? 'event' : 'events'} this month
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
          'Waiting for the first event'
        ) : (
          <>
            Last event <Ago atMs={card.lastEventAtMs} nowMs={nowMs} />
          </>
        )}
        {card.live > 0 && (
          <span class="live">
            <span class="dot" aria-hidden="true" />
            {card.live} now
          </span>
        )}
      </p>
      {card.quiet && (
        <p class="warn">
          Usually busy, and silent for twelve hours.{' '}
          <a href={`/dashboard/sites/${card.id}/install`}>Is the tag still in the pages?</a>
        </p>
      )}
      {card.refusedRecently > 0 && (
        <p class="warn-link">
          <a href={`/dashboard/sites/${card.id}/not-counted`}>
            {whole(card.refusedRecently)} not counted this week
          </a>
        </p>
      )}
    </article>
  );
}

const SPARK_WIDTH = 300;
const SPARK_HEIGHT = 48;

/** Thirty days as bars; in words for those who cannot see them. */
function Sparkline({ days, firstDayMs }: { days: readonly number[]; firstDayMs: number }): VNode {
  const most = Math.max(...days, 1);
  const total = days.reduce((sum, count) => sum + count, 0);
  const step = SPARK_WIDTH / days.length;
  const label = `Last ${days.length} days from ${date(firstDayMs)}: ${plural(total, 'event')}, at most ${whole(Math.max(...days))} a day`;
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
