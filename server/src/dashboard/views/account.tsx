import type { VNode } from 'preact';
import { entryOf } from '../../entry-of.ts';
import type { Account, Session } from '../../store/store.ts';
import type { Frame } from '../parts.ts';
import { Csrf, documentOf } from './document.tsx';
import { Ago, Card, Copyable, Field, Notice } from './parts.tsx';
import { QrCode } from './qr.tsx';
import { ZoneOptions } from './zone-options.tsx';

export interface AccountData {
  account: Account;
  /** Whether the pages about the installation are for them. */
  runsInstallation: boolean;
  sessions: readonly Session[];
  /** The session of this browser. */
  sessionId: string;
  hasTotp: boolean;
  timeZones: readonly string[];
  nowMs: number;
  done: string | null;
  problem?: { at: string; text: string };
  /** A second factor that is being set up. */
  enrolment?: { secret: string; address: string };
  /** Shown once. */
  recoveryCodes?: readonly string[];
}

const DONE: Readonly<Record<string, string>> = {
  email: 'The address is changed. Sign in with it from now on.',
  password: 'The password is changed. Every other browser is signed out.',
  'time-zone': 'The time zone is changed.',
  'totp-off': 'The second factor is off.',
  sessions: 'Signed out.',
};

interface Section {
  frame: Frame;
  data: AccountData;
}

export function accountPage(frame: Frame, data: AccountData): string {
  const { done, problem, recoveryCodes } = data;
  const said = done === null || problem !== undefined ? undefined : entryOf(DONE, done);
  return documentOf({
    frame,
    title: 'Account',
    children: (
      <div class="settings">
        <h1>Account</h1>
        {said !== undefined && <Notice kind="done">{said}</Notice>}
        {problem !== undefined && <Notice kind="wrong">{problem.text}</Notice>}
        {recoveryCodes !== undefined && <RecoveryCodes codes={recoveryCodes} />}
        {data.runsInstallation && (
          <p>
            You run this installation: <a href="/dashboard/installation">see whether mail works</a>.
          </p>
        )}
        <Email frame={frame} data={data} />
        <Password frame={frame} data={data} />
        <SecondFactor frame={frame} data={data} />
        <Sessions frame={frame} data={data} />
        <TimeZone frame={frame} data={data} />
        <Delete frame={frame} data={data} />
      </div>
    ),
  });
}

function errorAt(data: AccountData, at: string): { error?: string } {
  return data.problem?.at === at ? { error: data.problem.text } : {};
}

function Email({ frame, data }: Section): VNode {
  return (
    <Card title="E-mail address" id="email-title">
      <form method="post" action="/dashboard/account/email" class="inline-form">
        <Csrf frame={frame} />
        <Field
          name="email"
          label="Address"
          type="email"
          autocomplete="email"
          required
          maxlength={254}
          value={data.account.email}
          {...errorAt(data, 'email')}
        />
        <Field
          name="email-password"
          label="Password, to confirm"
          type="password"
          autocomplete="current-password"
          required
          maxlength={200}
          {...errorAt(data, 'email-password')}
        />
        <button type="submit">Change the address</button>
      </form>
    </Card>
  );
}

function Password({ frame, data }: Section): VNode {
  return (
    <Card title="Password" id="password-title">
      <form method="post" action="/dashboard/account/password" class="inline-form">
        <Csrf frame={frame} />
        <Field
          name="old-password"
          label="Password now"
          type="password"
          autocomplete="current-password"
          required
          maxlength={200}
          {...errorAt(data, 'old-password')}
        />
        <Field
          name="new-password"
          label="New password, at least 10 characters"
          type="password"
          autocomplete="new-password"
          required
          minlength={10}
          maxlength={200}
          {...errorAt(data, 'new-password')}
        />
        <button type="submit">Change the password</button>
      </form>
    </Card>
  );
}

function SecondFactor({ frame, data }: Section): VNode {
  const { enrolment, hasTotp } = data;
  return (
    <Card title="Second factor" id="factor-title">
      {hasTotp ? (
        <form method="post" action="/dashboard/account/second-factor" class="inline-form">
          <Csrf frame={frame} />
          <p>On: signing in asks for a code of your app.</p>
          <Field
            name="totp-password"
            label="Password, to turn it off"
            type="password"
            autocomplete="current-password"
            required
            maxlength={200}
            {...errorAt(data, 'totp-password')}
          />
          <button type="submit" name="do" value="off">
            Turn off
          </button>
        </form>
      ) : enrolment === undefined ? (
        <form method="post" action="/dashboard/account/second-factor">
          <Csrf frame={frame} />
          <p class="hint">Off. With it, a stolen password alone opens nothing.</p>
          <button type="submit">Set up with an app</button>
        </form>
      ) : (
        <form method="post" action="/dashboard/account/second-factor" class="stack">
          <Csrf frame={frame} />
          <input type="hidden" name="secret" value={enrolment.secret} />
          <p>
            Scan this with your authenticator app, <a href={enrolment.address}>open it on this device</a>, or
            type the key below it. Then enter the six digits that the app shows.
          </p>
          <QrCode text={enrolment.address} label="The key of your second factor, as a QR code" />
          <Copyable
            id="totp-secret"
            text={enrolment.secret.replaceAll(/(.{4})(?=.)/g, '$1 ')}
            label="the key"
          />
          <Field
            name="code"
            label="Code"
            inputmode="numeric"
            autocomplete="one-time-code"
            required
            maxlength={10}
            {...errorAt(data, 'code')}
          />
          <button type="submit" class="primary">
            Turn on
          </button>
        </form>
      )}
    </Card>
  );
}

function RecoveryCodes({ codes }: { codes: readonly string[] }): VNode {
  return (
    <section class="card card-strong" aria-labelledby="codes">
      <h2 id="codes">The second factor is on. Keep these recovery codes</h2>
      <p>Each opens your account once, in place of the app. They are shown only now.</p>
      <Copyable id="recovery-codes" text={codes.join('\n')} label="the recovery codes" />
    </section>
  );
}

function Sessions({ frame, data: { sessions, sessionId, nowMs } }: Section): VNode {
  return (
    <Card title="Signed in" id="sessions-title">
      <ul class="lines">
        {sessions.map(({ id, label, createdAtMs, lastSeenAtMs }) => (
          <li>
            <div>
              <strong>{label}</strong>
              {id === sessionId && <span class="tag">this browser</span>}
              <p class="hint">
                Since <Ago atMs={createdAtMs} nowMs={nowMs} />, last seen{' '}
                <Ago atMs={lastSeenAtMs} nowMs={nowMs} />
              </p>
            </div>
            <form method="post" action="/dashboard/account/sessions">
              <Csrf frame={frame} />
              <input type="hidden" name="id" value={id} />
              <button type="submit" class="small">
                Sign out<span class="visually-hidden"> {label}</span>
              </button>
            </form>
          </li>
        ))}
      </ul>
      {sessions.length > 1 && (
        <form method="post" action="/dashboard/account/sessions">
          <Csrf frame={frame} />
          <button type="submit">Sign out everywhere else</button>
        </form>
      )}
    </Card>
  );
}

function TimeZone({ frame, data: { account, timeZones } }: Section): VNode {
  return (
    <Card title="Time zone" id="zone-title">
      <form method="post" action="/dashboard/account/time-zone" class="inline-form">
        <Csrf frame={frame} />
        <div class="field">
          <label for="time-zone">Days in reports begin in</label>
          <p class="hint" id="time-zone-hint">
            Billing months stay UTC.
          </p>
          <select id="time-zone" name="time-zone" aria-describedby="time-zone-hint">
            <ZoneOptions zones={timeZones} chosen={account.timeZone} />
          </select>
        </div>
        <button type="submit">Save</button>
      </form>
    </Card>
  );
}

function Delete({ frame, data }: Section): VNode {
  return (
    <Card title="Delete the account" id="delete-title">
      <p class="hint">Its sites, their events and its API keys are gone for good. Take an export first.</p>
      <form method="post" action="/dashboard/account/delete" class="inline-form">
        <Csrf frame={frame} />
        <Field
          name="confirm"
          label={`Type ${data.account.email} to confirm`}
          required
          autocomplete="off"
          {...errorAt(data, 'confirm')}
        />
        <Field
          name="delete-password"
          label="Password"
          type="password"
          autocomplete="current-password"
          required
          maxlength={200}
          {...errorAt(data, 'delete-password')}
        />
        <button type="submit" class="danger">
          Delete the account
        </button>
      </form>
    </Card>
  );
}
