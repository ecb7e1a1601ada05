import type { VNode } from 'preact';
import { ALL_SITES, ROLL_UP_SITES_MAX } from '../../app/roll-ups.ts';
import { DAY_MS } from '../../domain/clock.ts';
import { shownDomain } from '../../domain/hosts.ts';
import type { Measures } from '../../domain/measures.ts';
import { documentOf } from '../kit/document.tsx';
import { Ago, Notice } from '../kit/elements.tsx';
import { date, dateRange, dayAndMonth, isolated, percent, short, whole } from '../kit/format.ts';
import type { Frame } from '../kit/parts.ts';
import { Change } from '../report/figures.tsx';
import {
  type Compared,
  DEFAULT_OVERVIEW_RANGE,
  OVERVIEW_RANGES,
  OVERVIEW_SITES_MAX,
  type Overview,
} from './overview.ts';
import { SITES_TEXT } from './text.ts';

export interface SiteCard {
  id: string;
  domain: string;
  /** The number of events in the current billing month. */
  month: number;
  /** What is counted in the period of the overview; null if there is none. */
  period: Compared | null;
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
  /** The number of all sites that the user sees. */
  sites: number;
  /** The sums over all sites; null if there are too many. */
  overview: Overview | null;
  /** The period of the overview. */
  range: string;
  /** What is wrong with the URL; null if nothing is. */
  problem: string | null;
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
        {data.problem !== null && <Notice kind="wrong">{data.problem}</Notice>}
        {data.sites > 1 && <Sums data={data} />}
        {data.sites > 1 && <RollUpForm sites={data.sites} range={data.range} />}
        <ul class="site-cards">
          {cards.map((card) => (
            <li>
              <SiteTile
                card={card}
                period={data.overview?.span.name ?? ''}
                canBeChosen={data.sites > 1}
                nowMs={nowMs}
                allowance={card.isOwn ? allowance : null}
              />
            </li>
          ))}
        </ul>
        {(data.earlier !== null || data.later !== null) && (
          <nav class="row" aria-label={SITES_TEXT.more}>
            {data.earlier !== null && <a href={pageAt(data.range, data.earlier)}>{SITES_TEXT.previous}</a>}
            {data.later !== null && <a href={pageAt(data.range, data.later)}>{SITES_TEXT.next}</a>}
          </nav>
        )}
      </>
    ),
  });
}

/** Returns the URL of a page of the list. @param from the number of sites before it */
function pageAt(range: string, from: number): string {
  const query = new URLSearchParams({
    ...(range === DEFAULT_OVERVIEW_RANGE ? {} : { range }),
    ...(from === 0 ? {} : { from: String(from) }),
  });
  return query.size === 0 ? '/dashboard' : `/dashboard?${query}`;
}

const COUNTED = [
  { name: SITES_TEXT.visitors, of: ({ visitors }: Measures) => visitors },
  { name: SITES_TEXT.pageviews, of: ({ pageviews }: Measures) => pageviews },
  { name: SITES_TEXT.events, of: ({ events }: Measures) => events },
] as const;

/** The sums over all sites, not only those of the page. */
function Sums({ data: { overview, sites, range } }: { data: SitesData }): VNode {
  return (
    <section class="card overview" aria-labelledby="overview">
      <div class="head">
        <h2 id="overview">{SITES_TEXT.all(sites)}</h2>
        {overview !== null && (
          <ul class="intervals" aria-label={SITES_TEXT.period}>
            {OVERVIEW_RANGES.map(({ id, name }) => (
              <li>
                <a href={pageAt(id, 0)} aria-current={id === range ? 'true' : undefined}>
                  {name}
                </a>
              </li>
            ))}
          </ul>
        )}
      </div>
      {overview === null ? (
        <p class="hint">{SITES_TEXT.tooMany(sites, OVERVIEW_SITES_MAX)}</p>
      ) : (
        <OverviewOf overview={overview} />
      )}
    </section>
  );
}

function OverviewOf({ overview: { span, zone, daysBefore, all, series } }: { overview: Overview }): VNode {
  const days = dateRange(span.firstDay, span.lastDay);
  const before =
    daysBefore === null || all.before === null ? null : dateRange(daysBefore.firstDay, daysBefore.lastDay);
  const visitors = series.map((measures) => measures.visitors);
  return (
    <>
      <div class="overview-sums">
        <Counts of={all} counted={COUNTED} />
        <Sparkline
          values={visitors}
          label={SITES_TEXT.visitorsSpark(visitors.length, days, all.now.visitors, Math.max(0, ...visitors))}
        />
      </div>
      <p class="hint">{SITES_TEXT.sums(span.name, days, zone, before)}</p>
    </>
  );
}

/** Numbers with their change. */
function Counts({
  of: { now, before },
  counted,
}: {
  of: Compared;
  counted: readonly (typeof COUNTED)[number][];
}): VNode {
  return (
    <dl class="counts">
      {counted.map(({ name, of }) => (
        <div>
          <dt>{name}</dt>
          <dd>
            <strong>{short(of(now))}</strong>{' '}
            {before !== null && <Change figure={{ text: short }} value={of(now)} before={of(before)} />}
          </dd>
        </div>
      ))}
    </dl>
  );
}

/** The form that opens the roll-up of sites that are chosen on their cards. */
function RollUpForm({ sites, range }: Pick<SitesData, 'sites' | 'range'>): VNode {
  return (
    <form method="get" action="/dashboard/roll-up" id={ROLL_UP_FORM} class="row roll-up-choice">
      <input type="hidden" name="range" value={range} />
      <button type="submit" class="small">
        {SITES_TEXT.rollUp}
      </button>
      {sites <= ROLL_UP_SITES_MAX && (
        <a href={`/dashboard/roll-up?site=${ALL_SITES}&range=${range}`}>{SITES_TEXT.rollUpAll}</a>
      )}
      <p class="hint">{SITES_TEXT.rollUpHint(ROLL_UP_SITES_MAX)}</p>
    </form>
  );
}

/** The id of the form, which the fields on the cards name. They are not in it: forms are not printed. */
const ROLL_UP_FORM = 'roll-up';

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
  period,
  canBeChosen,
  nowMs,
  allowance,
}: {
  card: SiteCard;
  /** The name of the period of the overview. */
  period: string;
  /** Whether the site can be chosen for a roll-up. */
  canBeChosen: boolean;
  nowMs: number;
  allowance: number | null;
}): VNode {
  return (
    <article class="card site-card">
      {canBeChosen && (
        <label class="choose-site">
          <input type="checkbox" name="site" value={card.id} form={ROLL_UP_FORM} />
          <span class="visually-hidden">{SITES_TEXT.choose(isolated(shownDomain(card.domain)))}</span>
        </label>
      )}
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
      {card.period !== null && (
        <>
          <p class="hint period">{period}</p>
          <Counts of={card.period} counted={COUNTED.slice(0, 2)} />
        </>
      )}
      <Sparkline
        values={card.days}
        label={SITES_TEXT.spark(
          card.days.length,
          date(card.firstDayMs),
          card.days.reduce((sum, count) => sum + count, 0),
          Math.max(...card.days),
        )}
      />
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

/** A small bar chart. @param label its text for screen readers */
function Sparkline({ values, label }: { values: readonly number[]; label: string }): VNode {
  const most = Math.max(...values, 1);
  const step = SPARK_WIDTH / values.length;
  return (
    <svg
      class="spark"
      viewBox={`0 0 ${SPARK_WIDTH} ${SPARK_HEIGHT}`}
      preserveAspectRatio="none"
      role="img"
      aria-label={label}
    >
      {values.map((count, i) => {
        const height = count === 0 ? 1 : Math.max(2, (count / most) * SPARK_HEIGHT);
        return (
          <rect
            class={count === 0 ? 'spark-none' : 'spark-bar'}
            x={(i * step + 1).toFixed(1)}
            y={(SPARK_HEIGHT - height).toFixed(1)}
            width={Math.max(step - 2, step / 2).toFixed(1)}
            height={height.toFixed(1)}
          />
        );
      })}
    </svg>
  );
}
