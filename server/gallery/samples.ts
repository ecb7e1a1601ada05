import type { Assets } from '../src/dashboard/assets.ts';
import { Links } from '../src/dashboard/report/links.ts';
import { addSitePage } from '../src/dashboard/views/add-site.tsx';
import { errorPage } from '../src/dashboard/views/error.tsx';
import { happeningPage } from '../src/dashboard/views/happening.tsx';
import { invitationPage } from '../src/dashboard/views/invitation.tsx';
import { forgotPage, resetPage } from '../src/dashboard/views/password-reset.tsx';
import { sharedReportPage, sharePasswordPage } from '../src/dashboard/views/share.tsx';
import * as signIn from '../src/dashboard/views/sign-in.tsx';
import { emptySitePage, installPage, reportPage } from '../src/dashboard/views/site.tsx';
import { sitesPage } from '../src/dashboard/views/sites.tsx';
import { uncountedPage } from '../src/dashboard/views/uncounted.tsx';
import { youPage } from '../src/dashboard/views/you.tsx';
import { ACCOUNT, frameOf, LONG, SITE, visitOf } from './frames.ts';
import { ownedSamples } from './owned.ts';
import { sampleReport } from './report.ts';
import * as data from './site-data.ts';

/** Every view in the states that differ: one page each. */
export type Samples = ReadonlyMap<string, string>;

export async function allSamples(assets: Pick<Assets, 'style' | 'script'>): Promise<Samples> {
  return new Map([
    ...strangersSamples(assets),
    ...listSamples(assets),
    ...(await reportSamples(assets)),
    ...siteSamples(assets),
    ...ownedSamples(assets),
  ]);
}

type Made = [string, string][];

/** What somebody sees who is not signed in. */
function strangersSamples(assets: Pick<Assets, 'style' | 'script'>): Made {
  const frame = frameOf(assets, '/login', null);
  const problem = {
    email: 'ada',
    problem: 'That did not work.',
    errors: { email: 'This is no e-mail address.' },
  };
  const invitation = { token: 'inv_sample', domain: SITE.domain, role: 'viewer' };
  return [
    ['set-up', signIn.setupPage(frame, 'token')],
    ['set-up-problem', signIn.setupPage(frame, 'token', problem)],
    ['set-up-done', signIn.noSetupPage(frame, 'done')],
    ['sign-in', signIn.loginPage(frame, { next: '', signups: 'open', note: 'Sign in to go on.' })],
    ['sign-in-problem', signIn.loginPage(frame, { next: '', signups: 'closed', state: problem })],
    ['second-factor', signIn.secondFactorPage(frame, { ticket: 't', next: '' })],
    ['sign-up', signIn.signupPage(frame, { open: true, invitation: '' })],
    ['sign-up-closed', signIn.signupPage(frame, { open: false, invitation: '' })],
    ['forgot', forgotPage(frame, { byMail: true })],
    ['forgot-asked', forgotPage(frame, { byMail: true, askedFor: ACCOUNT.email })],
    ['reset', resetPage(frame, { token: 't', email: ACCOUNT.email })],
    ['reset-over', resetPage(frame, { token: 't', email: null })],
    ['invitation', invitationPage(frame, { invitation, signedIn: false })],
    [
      'invitation-signed-in',
      invitationPage(frameOf(assets, '/', ACCOUNT.email), { invitation, signedIn: true }),
    ],
    ['invitation-over', invitationPage(frame, { invitation: null, signedIn: false })],
    [
      'share-password',
      sharePasswordPage(frame, { base: '/share/s', name: 'for the board', problem: 'Not it.' }),
    ],
    ['error', errorPage(frame, { title: 'There is nothing here', text: 'The address may be mistyped.' })],
  ];
}

function listSamples(assets: Pick<Assets, 'style' | 'script'>): Made {
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
        problem: `You have a site for ${LONG} already.`,
        existing: { id: SITE.id, domain: LONG },
        ...used,
      }),
    ],
  ];
}

async function reportSamples(assets: Pick<Assets, 'style' | 'script'>): Promise<Made> {
  const visit = visitOf(assets);
  const base = visit.frame.path;
  const propsFor = async (query: string, isEmpty = false) => ({
    data: await sampleReport(query, isEmpty),
    links: new Links(base, new URLSearchParams(query)),
    livePath: base,
    apiUrl: `https://stats.example/api/v1/sites/${SITE.id}`,
  });
  const filtered =
    'range=12m&compare=year&metric=bounce&pages=exit&sources=campaign&devices=os&events=prop:plan' +
    `&f=is.country.DE&f=is.country.US&f=lacks.page.admin&f=not.source.${LONG}`;
  return [
    ['report', reportPage(visit, await propsFor('range=30d'))],
    ['report-filtered', reportPage(visit, await propsFor(filtered))],
    ['report-hours', reportPage(visit, await propsFor('range=today&compare=none&metric=engaged'))],
    ['report-nothing', reportPage(visit, await propsFor('range=7d', true))],
    [
      'shared-report',
      sharedReportPage(frameOf(assets, '/share/s', null), {
        ...(await propsFor('range=7d')),
        livePath: null,
        apiUrl: null,
      }),
    ],
  ];
}

function siteSamples(assets: Pick<Assets, 'style' | 'script'>): Made {
  const visit = visitOf(assets);
  const long = visitOf(assets, { ...SITE, domain: LONG });
  return [
    ['live', happeningPage(visit, data.HAPPENING)],
    ['live-nothing', happeningPage(visit, { ...data.HAPPENING, lines: [], visitors: 0, pages: [] })],
    ['empty-site', emptySitePage(long, { ...data.INSTALL, allowed: 'staging.notes.example' })],
    ['install', installPage(visit, data.INSTALL)],
    ['not-counted', uncountedPage(visit, data.UNCOUNTED)],
    ['not-counted-nothing', uncountedPage(visit, { ...data.UNCOUNTED, refused: [], allowed: null })],
    ['see-yourself', youPage(visit, data.YOU)],
  ];
}
