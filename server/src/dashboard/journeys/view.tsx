import type { VNode } from 'preact';
import { JOURNEY_PAGE_MAX_CHARS, JOURNEY_STEPS } from '../../domain/journey.ts';
import { displayPage } from '../../domain/page-path.ts';
import type { JourneyStep } from '../../store/contract/store.ts';
import { BarTable, Notice } from '../kit/elements.tsx';
import { dateTime, isolated, plural, short } from '../kit/format.ts';
import type { SitePageRequest } from '../kit/parts.ts';
import { siteDocument } from '../kit/site-frame.tsx';
import { Carried } from '../report/controls.tsx';
import { curlOf } from '../report/curl.ts';
import type { Links } from '../report/links.ts';
import { AboutAnswer, PageHead } from '../report/page-parts.tsx';
import { REPORT_TEXT } from '../report/text.ts';
import type { SavedData } from '../saved/data.ts';
import { SavedMenu } from '../saved/menu.tsx';
import type { JourneyData } from './data.ts';
import { JOURNEYS_TEXT } from './text.ts';

export interface JourneyProps {
  data: JourneyData;
  links: Links;
  segments: SavedData;
  /** The URL of the site in the API. */
  apiUrl: string;
}

/** Creates the page of a site's journeys. */
export function journeysPage(request: SitePageRequest, props: JourneyProps): string {
  return siteDocument(request, {
    title: JOURNEYS_TEXT.title,
    here: 'journeys',
    children: <Journeys {...props} />,
  });
}

function Journeys(props: JourneyProps): VNode {
  const { data, links, segments } = props;
  const { zone, problem, eventsSinceMs } = data;
  return (
    <div class="report">
      <PageHead {...{ title: JOURNEYS_TEXT.title, data, links }} menus={<SavedMenu {...segments} />}>
        {problem !== null && <Notice kind="wrong">{problem}</Notice>}
        {eventsSinceMs !== null && (
          <Notice kind="note">{JOURNEYS_TEXT.eventsSince(dateTime(eventsSinceMs, zone))}</Notice>
        )}
      </PageHead>
      <section class="card" aria-label={JOURNEYS_TEXT.page}>
        <p>{JOURNEYS_TEXT.lead}</p>
        <PageForm data={data} links={links} />
      </section>
      <Flow {...props} />
    </div>
  );
}

function PageForm({ data: { page, pages }, links }: Pick<JourneyProps, 'data' | 'links'>): VNode {
  return (
    <form method="get" action={links.base} class="journey-form">
      <Carried links={links} except={['page']} />
      <div class="field">
        <label for="page">{JOURNEYS_TEXT.page}</label>
        <p class="hint" id="page-hint">
          {JOURNEYS_TEXT.pageHint}
        </p>
        <input
          {...{ id: 'page', name: 'page', list: 'page-suggestions', value: displayPage(page) }}
          maxlength={JOURNEY_PAGE_MAX_CHARS}
          required
          spellcheck={false}
          autocapitalize="none"
          autocomplete="off"
          aria-describedby="page-hint"
        />
        <datalist id="page-suggestions">
          {pages.map((each) => (
            <option value={displayPage(each)} />
          ))}
        </datalist>
      </div>
      <button type="submit" class="primary">
        {JOURNEYS_TEXT.show}
      </button>
    </form>
  );
}

/** The lists before the page, the page, and the lists after it. */
function Flow({ data, links, apiUrl }: JourneyProps): VNode | null {
  const { result, page, span, filters } = data;
  if (result === null) return null;
  if (result.visits === 0) return <p class="hint empty">{JOURNEYS_TEXT.none}</p>;
  const at = (step: number) => result.steps.find((each) => each.step === step);
  const distances = Array.from({ length: JOURNEY_STEPS }, (_, i) => i + 1);
  const lists = (direction: -1 | 1) =>
    (direction === 1 ? distances : distances.toReversed()).map((distance) => {
      const [here, nearer] = [at(direction * distance), at(direction * (distance - 1))];
      return here === undefined || nearer === undefined ? null : (
        <StepList step={here} among={nearer.visits} links={links} />
      );
    });
  const curl = curlOf({ apiUrl, endpoint: 'journey', page, span, filters });
  return (
    <>
      <div class="panels journey-steps">{lists(-1)}</div>
      <section class="card journey-page" aria-labelledby="journey">
        <h2 id="journey">
          <bdi>{displayPage(page)}</bdi>
        </h2>
        <p>{plural(result.visits, 'visit')}</p>
        <AboutAnswer
          {...{ title: JOURNEYS_TEXT.title, definition: JOURNEYS_TEXT.definition, data, links }}
          csv={REPORT_TEXT.csvAllRows}
          curl={{ id: 'curl-journey', text: curl, label: JOURNEYS_TEXT.apiRequest }}
        />
      </section>
      <div class="panels journey-steps">{lists(1)}</div>
    </>
  );
}

/** The pages at one distance. @param among the visits at the distance that is one page nearer, all of which are in the list */
function StepList({ step: of, among, links }: { step: JourneyStep; among: number; links: Links }): VNode {
  const { step, visits, pages, rows } = of;
  const where = step < 0 ? 'before' : 'after';
  const id = `journey-${where}-${Math.abs(step)}`;
  const listed = rows.reduce((sum, row) => sum + row.visits, 0);
  const others = pages - rows.length;
  const row = (count: number, value: VNode) => ({
    ...{ percent: (100 * count) / Math.max(among, 1), value },
    numbers: [short(count)],
  });
  const rest = [
    ...(others > 0 ? [{ name: JOURNEYS_TEXT.others(others), count: visits - listed }] : []),
    ...(among > visits
      ? [{ name: step < 0 ? JOURNEYS_TEXT.began : JOURNEYS_TEXT.ended, count: among - visits }]
      : []),
  ];
  return (
    <section class="card panel" aria-labelledby={id}>
      <h2 id={id}>{JOURNEYS_TEXT.at(JOURNEYS_TEXT.pages(Math.abs(step)), where)}</h2>
      {among === 0 ? (
        <p class="hint empty">{REPORT_TEXT.noData}</p>
      ) : (
        <BarTable
          heading={JOURNEYS_TEXT.page}
          columns={[JOURNEYS_TEXT.visits]}
          rows={[
            ...rows.map(({ page, visits: count }) => row(count, <PageLink page={page} links={links} />)),
            ...rest.map(({ name, count }) => row(count, <span class="value journey-rest">{name}</span>)),
          ]}
        />
      )}
    </section>
  );
}

function PageLink({ page, links }: { page: string; links: Links }): VNode {
  const name = displayPage(page);
  return (
    <a class="value" href={links.with({ page })} title={JOURNEYS_TEXT.journeyOf(isolated(name))}>
      <bdi>{name}</bdi>
    </a>
  );
}
