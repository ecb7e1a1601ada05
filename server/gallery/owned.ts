import { type AccountActivityData, accountActivityPage } from '../src/dashboard/account/activity-view.tsx';
import { type AccountData, accountPage } from '../src/dashboard/account/view.tsx';
import { type ApiKeysData, apiKeysPage } from '../src/dashboard/api-keys/view.tsx';
import { type InstanceData, instancePage } from '../src/dashboard/instance/view.tsx';
import type { SettingsData } from '../src/dashboard/settings/elements.tsx';
import { settingsPage } from '../src/dashboard/settings/view.tsx';
import { DAY_MS } from '../src/domain/clock.ts';
import type { ApiKey, SecurityEntry } from '../src/store/contract/store.ts';
import { ACCOUNT, frameOf, LONG, NOW_MS, type PageAssets, SESSION, SITE, visitOf } from './frames.ts';

/** The views of settings, API keys, the account and the instance. */

const KEY: ApiKey = {
  id: 'key_1',
  accountId: ACCOUNT.id,
  name: 'Nightly report',
  prefix: 'sk_4f9aQ2',
  scopes: ['read', 'write'],
  siteIds: null,
  createdAtMs: NOW_MS - 40 * DAY_MS,
  revokedAtMs: null,
  lastUsedAtMs: NOW_MS - DAY_MS,
};

const KEYS: ApiKeysData = {
  keys: [
    KEY,
    { ...KEY, id: 'key_2', name: LONG, lastUsedAtMs: null },
    { ...KEY, id: 'key_3', revokedAtMs: NOW_MS },
    { ...KEY, id: 'key_4', name: 'Partner', siteIds: [SITE.id, 'site_2'] },
    { ...KEY, id: 'key_5', name: 'Old partner', siteIds: ['site_deleted'] },
  ],
  sites: [SITE, { id: 'site_2', domain: 'xn--bcher-kva.example' }],
  nowMs: NOW_MS,
  baseUrl: 'https://stats.example',
  revoked: false,
};

const ACCOUNT_DATA: AccountData = {
  account: ACCOUNT,
  isOperator: true,
  sessions: [SESSION, { ...SESSION, id: 'ses_other', label: 'Safari on iOS' }],
  sessionId: SESSION.id,
  hasTotp: false,
  hasPasswords: true,
  timeZones: ['Europe/Berlin', 'America/New_York'],
  nowMs: NOW_MS,
  done: null,
};

const ENTRY: SecurityEntry = {
  ...{ seq: 9, event: 'sign-in', atMs: NOW_MS, firstAtMs: NOW_MS, count: 1 },
  ...{ actorId: null, actorEmail: null, via: 'dashboard' },
  ...{ browser: 'Firefox on Linux', country: 'DE', details: {} },
};

const ACTIVITY: AccountActivityData = {
  accountId: ACCOUNT.id,
  zone: 'Europe/Berlin',
  entries: [
    ENTRY,
    {
      ...{ ...ENTRY, event: 'sign-in-failed', count: 37, firstAtMs: NOW_MS - 60_000 },
      ...{ browser: 'Unknown browser', country: null },
    },
    {
      ...{ ...ENTRY, event: 'share-created', actorId: 'acc_other', actorEmail: `bob@${LONG}` },
      details: { site: SITE.domain, name: LONG },
    },
    { ...ENTRY, event: 'password-changed', via: 'command-line' },
    {
      ...{ ...ENTRY, event: 'member-invited', actorId: 'acc_gone' },
      details: { site: SITE.domain, role: 'viewer', email: 'e…@notes.example' },
    },
  ],
  ...{ older: '1.1', isNewest: false },
};

const INSTANCE: InstanceData = {
  mail: {
    ...{ host: 'mail.example', port: 587, authorities: null, implicitTls: false },
    credentials: { user: 'stats', password: 'never shown' },
    from: { name: 'AttractOS', address: 'stats@notes.example' },
  },
  lastFailure: null,
  email: ACCOUNT.email,
  nowMs: NOW_MS,
};

const ticket = {
  kind: 'invitation' as const,
  email: 'eve@notes.example',
  accountId: ACCOUNT.id,
  siteId: SITE.id,
  role: 'viewer' as const,
  expiresAtMs: NOW_MS + 6 * DAY_MS,
};

const SETTINGS: SettingsData = {
  keys: [
    {
      ...{ key: SITE.key, siteId: SITE.id, state: 'live', createdAtMs: NOW_MS - DAY_MS, isCurrent: true },
      use: { key: SITE.key, events: 70_207, lastSeenAtMs: NOW_MS - 60_000 },
    },
    {
      ...{ key: 'ak_Zs0mPLEk3yOfOldTimesGx', siteId: SITE.id, state: 'live', createdAtMs: SITE.createdAtMs },
      ...{ isCurrent: false, use: null },
    },
    {
      ...{
        key: 'ak_Zs0mPLEk3yThatIsGone00',
        siteId: SITE.id,
        state: 'retired',
        createdAtMs: SITE.createdAtMs,
      },
      ...{ isCurrent: false, use: null },
    },
  ],
  goals: [{ id: 'goal_1', siteId: SITE.id, kind: 'page', pattern: `/${LONG}/*` }],
  shares: [
    {
      id: 'shr_1',
      siteId: SITE.id,
      name: 'Board report',
      passwordHash: 'hash',
      createdAtMs: NOW_MS - 9 * DAY_MS,
      expiresAtMs: NOW_MS + 21 * DAY_MS,
      embedHosts: ['www.notes.example', LONG],
    },
  ],
  members: [{ siteId: SITE.id, accountId: 'acc_other', email: 'bob@notes.example', role: 'admin' }],
  invitations: [ticket],
  section: 'counting',
  nowMs: NOW_MS,
  defaultRetentionDays: 400,
  timeZones: ['Europe/Berlin', 'America/New_York'],
  ownersZone: 'Europe/Berlin',
  knowsNetworks: false,
  done: 'hosts',
};

export function ownedSamples(assets: PageAssets): [string, string][] {
  const request = visitOf(assets);
  const keys = frameOf(assets, '/dashboard/settings/api-keys', ACCOUNT.email);
  const account = frameOf(assets, '/dashboard/account', ACCOUNT.email);
  const activity = frameOf(assets, '/dashboard/account/activity', ACCOUNT.email);
  const instance = frameOf(assets, '/dashboard/instance', ACCOUNT.email);
  const made = { name: 'Nightly report', key: `sk_${'x'.repeat(40)}` };
  return [
    ['settings', settingsPage(request, SETTINGS)],
    ['settings-goals', settingsPage(request, { ...SETTINGS, section: 'goals', done: 'goal' })],
    [
      'settings-sharing',
      settingsPage(request, {
        ...SETTINGS,
        section: 'sharing',
        newShare: {
          name: 'Board report',
          address: `https://stats.example/share/${'s'.repeat(40)}`,
          isEmbeddable: true,
        },
      }),
    ],
    [
      'settings-team',
      settingsPage(request, {
        ...SETTINGS,
        section: 'team',
        newInvitation: {
          email: ticket.email,
          role: 'viewer',
          address: `https://stats.example/invitation/${'i'.repeat(40)}`,
        },
      }),
    ],
    [
      'settings-dry-run',
      settingsPage(request, {
        ...SETTINGS,
        dryRun: {
          rules: SITE,
          days: 7,
          accepted: 6_233,
          lost: { events: 162, hosts: { 'staging.notes.example': 160, [LONG]: 2 }, unknown: 40 },
          gained: { events: 7, hosts: { localhost: 7 }, unknown: 0 },
        },
      }),
    ],
    [
      'settings-problem',
      settingsPage(request, {
        ...SETTINGS,
        section: 'data',
        problem: { at: 'days', text: 'Enter a whole number of days from 1 to 36500.' },
      }),
    ],
    ['api-keys', apiKeysPage(keys, KEYS)],
    ['api-keys-made', apiKeysPage(keys, { ...KEYS, made })],
    [
      'api-keys-none',
      apiKeysPage(keys, { ...KEYS, keys: [], problem: 'Enter a name of 1 to 100 characters.' }),
    ],
    ['account', accountPage(account, ACCOUNT_DATA)],
    ['account-activity', accountActivityPage(activity, ACTIVITY)],
    [
      'account-activity-none',
      accountActivityPage(activity, { ...ACTIVITY, entries: [], older: null, isNewest: true }),
    ],
    [
      'account-second-factor',
      accountPage(account, {
        ...ACCOUNT_DATA,
        enrolment: { secret: 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567', address: 'otpauth://totp/AttractOS:ada' },
      }),
    ],
    [
      'account-second-factor-replace',
      accountPage(account, {
        ...ACCOUNT_DATA,
        hasTotp: true,
        enrolment: { secret: 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567', address: 'otpauth://totp/AttractOS:ada' },
        problem: { at: 'totp-code', text: 'This code is incorrect or was already used.' },
      }),
    ],
    ['instance', instancePage(instance, { ...INSTANCE, mail: null })],
    [
      'instance-mail-failed',
      instancePage(instance, {
        ...INSTANCE,
        delivery: {
          ok: false,
          failure: {
            problem: 'mail-refused',
            sentence: 'The mail server rejected the email.',
            said: `550 ${LONG}`,
          },
          dialogue: [
            { by: 'server', text: '220 mail.example ESMTP' },
            { by: 'us', text: `RCPT TO:<${LONG}@notes.example>` },
            { by: 'server', text: `550 ${LONG}` },
          ],
        },
      }),
    ],
    [
      'account-codes',
      accountPage(account, { ...ACCOUNT_DATA, hasTotp: true, recoveryCodes: ['4f9a-q2lk', 'p0zx-77ab'] }),
    ],
  ];
}
