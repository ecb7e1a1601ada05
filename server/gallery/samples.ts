import type { LostEvents } from '../src/app/reports/lost-events.ts';
import { addSitePage } from '../src/dashboard/add-site/view.tsx';
import { FUNNEL_PARAMETERS, loadFunnel } from '../src/dashboard/funnels/data.ts';
import { loadSavedFunnels } from '../src/dashboard/funnels/saved.ts';
import { funnelsPage } from '../src/dashboard/funnels/view.tsx';
import { readChoice } from '../src/dashboard/install/choice.ts';
import { invitationPage } from '../src/dashboard/invitation/view.tsx';
import { JOURNEY_PARAMETERS, loadJourneys } from '../src/dashboard/journeys/data.ts';
import { journeysPage } from '../src/dashboard/journeys/view.tsx';
import { errorPage } from '../src/dashboard/kit/error.tsx';
import { livePage } from '../src/dashboard/live/view.tsx';
import { loadMap } from '../src/dashboard/map/data.ts';
import { linksOfMap, mapPage } from '../src/dashboard/map/view.tsx';
import { notCountedPage } from '../src/dashboard/not-counted/view.tsx';
import { forgotPage, resetPage, signInLinkPage } from '../src/dashboard/password-reset/view.tsx';
import { NO_ANNOTATIONS } from '../src/dashboard/report/annotations.tsx';
import { chartNotes } from '../src/dashboard/report/chart-notes.ts';
import { loadReport } from '../src/dashboard/report/data.ts';
import { loadDetails } from '../src/dashboard/report/details-data.ts';
import { Links, ROLL_UP_PARAMETERS } from '../src/dashboard/report/links.ts';
import { loadSegments } from '../src/dashboard/report/segments.ts';
import { suggestionsPart } from '../src/dashboard/report/suggestions.tsx';
import { loadSuggestions } from '../src/dashboard/report/suggestions-data.ts';
import { detailsPage, emptySitePage, installPage, reportPage } from '../src/dashboard/report/view.tsx';
import {
  invalidRollUpPage,
  rollUpDetailsPage,
  rollUpMapPage,
  rollUpPage,
} from '../src/dashboard/roll-up/view.tsx';
import type { SavedPlace } from '../src/dashboard/saved/kind.ts';
import {
  sharedDetailsPage,
  sharedMapPage,
  sharedReportPage,
  sharePasswordPage,
} from '../src/dashboard/share/view.tsx';
import * as signIn from '../src/dashboard/sign-in/view.tsx';
import { sitesPage } from '../src/dashboard/sites/view.tsx';
import { whoamiPage } from '../src/dashboard/whoami/view.tsx';
import { utcDay } from '../src/domain/clock.ts';
import type { Annotation } from '../src/store/contract/store.ts';
import { ACCOUNT, frameOf, LONG, NOW_MS, type PageAssets, SITE, visitOf } from './frames.ts';
import { withOpenChip, withSuggestions } from './opened.ts';
import { ownedSamples } from './owned.ts';
import { ROLLED_UP, sampleAsk, sampleRollUp } from './report.ts';
import { SAVED_REGISTRY, savedSamples } from './saved.ts';
import * as data from './site-data.ts';

/** The HTML of every view in each of its states, by name. */
export type Samples = ReadonlyMap<string, string>;

export async function allSamples(assets: PageAssets): Promise<Samples> {
  return new Map([
    ...strangersSamples(assets),
    ...listSamples(assets),
    ...(await reportSamples(assets)),
    ...(await rollUpSamples(assets)),
    ...(await funnelSamples(assets)),
    ...(await journeySamples(assets)),
    ...(await savedSamples(assets)),
    ...siteSamples(assets),
    ...ownedSamples(assets),
  ]);
}

type Made = [string, string][];

/** Creates the views for visitors who are not signed in. */
function strangersSamples(assets: PageAssets): Made {
  const frame = frameOf(assets, '/login', null);
  const problem = {
    email: 'ada',
    problem: 'Incorrect email or password.',
    errors: { email: 'Enter a valid email address.' },
  };
  const singleSignOn = {
    ...{ issuer: 'https://id.example', clientId: 'attractos', clientSecret: '', scopes: 'openid email' },
    ...{ domains: [], roles: null, only: false },
  };
  const invitation = { token: 'inv_sample', domain: SITE.domain, role: 'viewer' };
  return [
    ['set-up', signIn.setupPage(frame, 'token')],
    ['set-up-problem', signIn.setupPage(frame, 'token', problem)],
    ['set-up-done', signIn.noSetupPage(frame, 'done')],
    [
      'sign-in',
      signIn.loginPage(frame, {
        ...{ next: '', signups: 'open', note: 'Password changed. Sign in to continue.', singleSignOn: null },
      }),
    ],
    [
      'sign-in-problem',
      signIn.loginPage(frame, { next: '', signups: 'closed', state: problem, singleSignOn: null }),
    ],
    ['sign-in-single', signIn.loginPage(frame, { next: '', signups: 'closed', singleSignOn })],
    [
      'sign-in-single-only',
      signIn.loginPage(frame, {
        ...{ next: '', signups: 'closed', singleSignOn: { ...singleSignOn, only: true } },
      }),
    ],
    ['sign-in-link', signIn.linkPage(frame, { ticket: 't', email: ACCOUNT.email, hasTotp: true })],
    ['second-factor', signIn.secondFactorPage(frame, { ticket: 't', next: '' })],
    ['sign-up', signIn.signupPage(frame, { open: true, invitation: '' })],
    ['sign-up-closed', signIn.signupPage(frame, { open: false, invitation: '' })],
    ['forgot', forgotPage(frame, { byMail: true })],
    ['forgot-asked', forgotPage(frame, { byMail: true, askedFor: ACCOUNT.email })],
    ['reset', resetPage(frame, { token: 't', email: ACCOUNT.email })],
    ['sign-in-by-link', signInLinkPage(frame, { token: 't', email: ACCOUNT.email })],
    ['reset-over', resetPage(frame, { token: 't', email: null })],
    ['invitation', invitationPage(frame, { invitation, signedIn: false, maySignUp: true })],
    [
      'invitation-signed-in',
      invitationPage(frameOf(assets, '/', ACCOUNT.email), { invitation, signedIn: true, maySignUp: true }),
    ],
    ['invitation-over', invitationPage(frame, { invitation: null, signedIn: false, maySignUp: true })],
    [
      'share-password',
      sharePasswordPage(frame, { base: '/share/s', name: 'Board report', problem: 'Incorrect password.' }),
    ],
    ['error', errorPage(frame, { title: 'Page not found', text: 'Check the address for typos.' })],
  ];
}

function listSamples(assets: PageAssets): Made {
  const frame = frameOf(assets, '/dashboard', ACCOUNT.email);
  const used = { used: 3, limit: 3, plan: 'free' as const };
  return [
    ['sites', sitesPage(frame, data.SITES)],
    ['sites-over', sitesPage(frame, { ...data.SITES, month: 123_456, earlier: 0, later: 50 })],
    ['sites-unlimited', sitesPage(frame, { ...data.SITES, allowance: null })],
    ['add-site', addSitePage(frame, { typed: '', used: 1, limit: 3, plan: 'free' })],
    [
      'add-site-problem',
      addSitePage(frame, {
        typed: LONG,
        problem: `This account already has a site for ${LONG}.`,
        existing: { id: SITE.id, domain: LONG },
        ...used,
      }),
    ],
  ];
}

const ANNOTATIONS: Annotation[] = [
  [3, 'Newsletter sent'],
  [9, `Version 2 released, with ${LONG}`],
].map(([daysAgo, text], i) => ({
  ...{ id: `note_${i}`, siteId: SITE.id, text: String(text), createdAtMs: NOW_MS },
  day: utcDay(NOW_MS) - Number(daysAgo),
}));

const LOST: LostEvents[] = [{ day: utcDay(NOW_MS) - 1, reason: 'busy', count: 1204 }];

const segmentsFor = (assets: PageAssets) => (place: SavedPlace, links: Links) =>
  loadSegments(SAVED_REGISTRY, visitOf(assets), links, place);

async function reportSamples(assets: PageAssets): Promise<Made> {
  const request = visitOf(assets);
  const base = request.frame.path;
  const segmentsOn = segmentsFor(assets);
  const propsFor = async (query: string, isEmpty = false) => ({
    data: await loadReport(sampleAsk(query, isEmpty)),
    links: new Links(base, new URLSearchParams(query)),
    livePath: base,
    apiUrl: `https://stats.example/api/v1/sites/${SITE.id}`,
    goalsPath: null,
    annotations: {
      list: chartNotes(ANNOTATIONS, LOST),
      form: { frame: request.frame, path: '/', query: '', day: utcDay(NOW_MS) },
    },
    segments: await segmentsOn('report', new Links(base, new URLSearchParams(query))),
  });
  const mapFor = async (query: string, isEmpty = false) => ({
    data: await loadMap(sampleAsk(query, isEmpty)),
    ...linksOfMap(base, new URLSearchParams(query)),
  });
  const detailsOf = async (query: string, isEmpty = false) => ({
    data: await loadDetails(sampleAsk(query, isEmpty)),
    links: new Links(base, new URLSearchParams(query)),
  });
  const filtered =
    'range=12m&compare=year&metric=bounce&pages=exit&sources=utm_campaign&devices=os&events=prop:plan' +
    `&f=is.country.DE&f=is.country.US&f=lacks.page.admin&f=not.source.${LONG}`;
  return [
    ['report', reportPage(request, await propsFor('range=30d'))],
    [
      'report-without-goals',
      reportPage(request, {
        ...(await propsFor('range=7d', true)),
        goalsPath: `${base}/settings/goals`,
      }),
    ],
    ['report-filtered', reportPage(request, await propsFor(filtered))],
    [
      'report-chip-open',
      withOpenChip(reportPage(request, await propsFor(`f=~page:${LONG}|/docs&f=country:DE`))),
    ],
    [
      'report-suggestions',
      withSuggestions(
        reportPage(request, await propsFor('f=country:DE|US')),
        suggestionsPart(await loadSuggestions(sampleAsk('add=country'))),
      ),
    ],
    [
      'report-suggestions-nothing',
      withSuggestions(
        reportPage(request, await propsFor('f=city:Berlin', true)),
        suggestionsPart(await loadSuggestions(sampleAsk(`add=city&search=${LONG}`, true))),
      ),
    ],
    ['report-hours', reportPage(request, await propsFor('range=today&compare=none&metric=engaged'))],
    ['report-nothing', reportPage(request, await propsFor('range=7d', true))],
    ['map', mapPage(request, await mapFor('range=30d'))],
    ['map-filtered', mapPage(request, await mapFor(filtered))],
    ['map-nothing', mapPage(request, await mapFor('range=7d', true))],
    [
      'shared-map',
      sharedMapPage(frameOf(assets, '/share/s/map', null), {
        ...{ domain: SITE.domain, query: new URLSearchParams(), ...(await mapFor('range=7d')) },
      }),
    ],
    [
      'shared-report-framed',
      sharedReportPage(frameOf(assets, '/share/s', null), {
        ...(await propsFor('range=7d&frame=none&theme=dark&parts=figures,chart,sources')),
        livePath: null,
        apiUrl: null,
        annotations: NO_ANNOTATIONS,
        segments: null,
      }),
    ],
    ['details', detailsPage(request, await detailsOf('by=page&range=30d&cursor=c'))],
    [
      'details-filtered',
      detailsPage(request, await detailsOf(`by=source&sort=bounce&order=asc&search=o&f=country:DE|US`)),
    ],
    ['details-vitals', detailsPage(request, await detailsOf('by=page&table=vitals'))],
    ['details-goals', detailsPage(request, await detailsOf('by=goal'))],
    ['details-crawlers', detailsPage(request, await detailsOf('by=bot'))],
    ['details-nothing', detailsPage(request, await detailsOf(`by=city&search=${LONG}`, true))],
    [
      'shared-details',
      sharedDetailsPage(frameOf(assets, '/share/s', null), {
        query: new URLSearchParams(),
        ...(await detailsOf('by=country')),
      }),
    ],
    [
      'shared-report',
      sharedReportPage(frameOf(assets, '/share/s', null), {
        ...(await propsFor('range=7d')),
        livePath: null,
        apiUrl: null,
        annotations: NO_ANNOTATIONS,
        segments: null,
      }),
    ],
  ];
}

async function rollUpSamples(assets: PageAssets): Promise<Made> {
  const base = '/dashboard/roll-up';
  const frame = frameOf(assets, base, ACCOUNT.email);
  const page = {
    frame,
    sites: ROLLED_UP,
    seen: [...ROLLED_UP, { ...SITE, id: 'site_long', domain: LONG }],
    kept: [],
  };
  const linksOf = (query: string) =>
    new Links(base, new URLSearchParams(`site=all&${query}`), ROLL_UP_PARAMETERS);
  const reportOf = async (query: string) =>
    rollUpPage(page, {
      ...{ data: await loadReport(sampleRollUp(query)), links: linksOf(query) },
      ...{ livePath: null, apiUrl: null, goalsPath: null, annotations: NO_ANNOTATIONS, segments: null },
    });
  const details = 'by=page';
  const problem = { problems: ['A roll-up has at most 50 sites, and 51 are chosen.'], without: '/dashboard' };
  return [
    ['roll-up', await reportOf('')],
    ['roll-up-filtered', await reportOf('range=7d&f=country:DE&pages=entry')],
    [
      'roll-up-details',
      rollUpDetailsPage(page, { data: await loadDetails(sampleRollUp(details)), links: linksOf(details) }),
    ],
    [
      'roll-up-map',
      rollUpMapPage(page, {
        data: await loadMap(sampleRollUp('')),
        links: linksOf(''),
        mapLinks: linksOf('').at(`${base}/map`),
      }),
    ],
    ['roll-up-problem', invalidRollUpPage({ ...page, sites: [] }, problem)],
  ];
}

async function funnelSamples(assets: PageAssets): Promise<Made> {
  const request = visitOf(assets);
  const base = `${request.frame.path}/funnels`;
  const segmentsOn = segmentsFor(assets);
  const pageOf = async (query: string, isEmpty = false) => {
    const links = new Links(base, new URLSearchParams(query), FUNNEL_PARAMETERS);
    return funnelsPage(request, {
      ...{ links, data: await loadFunnel(sampleAsk(query, isEmpty)) },
      segments: await segmentsOn('funnels', links),
      saved: await loadSavedFunnels(SAVED_REGISTRY, request, links),
      apiUrl: `https://stats.example/api/v1/sites/${SITE.id}`,
    });
  };
  const steps = 'step=page:/&step=page:/pricing*&step=event:checkout&step=goal:goal_1';
  const long = Array.from({ length: 8 }, (_, i) => `step=page:/${LONG}/${i}`).join('&');
  return [
    ['funnels', await pageOf('')],
    ['funnel', await pageOf(steps)],
    ['funnel-split', await pageOf(`range=7d&${steps}&by=page&f=country:DE|FR`)],
    ['funnel-long', await pageOf(`${long}&by=country`)],
    ['funnel-nothing', await pageOf(`${steps}&by=country`, true)],
    ['funnel-problem', await pageOf('step=page:/&step=checkout')],
  ];
}

async function journeySamples(assets: PageAssets): Promise<Made> {
  const request = visitOf(assets);
  const base = `${request.frame.path}/journeys`;
  const segmentsOn = segmentsFor(assets);
  const pageOf = async (query: string, isEmpty = false) => {
    const links = new Links(base, new URLSearchParams(query), JOURNEY_PARAMETERS);
    return journeysPage(request, {
      ...{ links, data: await loadJourneys(sampleAsk(query, isEmpty)) },
      segments: await segmentsOn('journeys', links),
      apiUrl: `https://stats.example/api/v1/sites/${SITE.id}`,
    });
  };
  return [
    ['journeys', await pageOf('page=/pricing*')],
    ['journeys-filtered', await pageOf(`page=/${LONG}&f=country:DE`)],
    ['journeys-nothing', await pageOf('page=/pricing', true)],
    ['journeys-problem', await pageOf('page=pricing')],
  ];
}

function siteSamples(assets: PageAssets): Made {
  const request = visitOf(assets);
  const long = visitOf(assets, { ...SITE, domain: LONG });
  const installWith = (query: string) =>
    installPage(request, { ...data.INSTALL, choice: readChoice(new URLSearchParams(query)) });
  return [
    ['live', livePage(request, data.HAPPENING)],
    [
      'live-nothing',
      livePage(request, { ...data.HAPPENING, lines: [], older: null, visitors: 0, pages: [], morePages: 0 }),
    ],
    ['empty-site', emptySitePage(long, { ...data.INSTALL, allowed: 'staging.notes.example' })],
    ['install', installPage(request, data.INSTALL)],
    [
      'install-options',
      installWith('platform=gtm&outbound=on&downloads=on&files=pdf,zip&hash=on&query=page,q'),
    ],
    ['install-options-problem', installWith(`build=full&downloads=on&files=<${LONG}>&query=<${LONG}>`)],
    ['not-counted', notCountedPage(request, data.NOT_COUNTED)],
    ['not-counted-nothing', notCountedPage(request, { ...data.NOT_COUNTED, refused: [], allowed: null })],
    ['see-yourself', whoamiPage(request, data.YOU)],
  ];
}
