import type { VNode } from 'preact';
import { ownValue } from '../../domain/own-value.ts';
import type { Account, Session } from '../../store/contract/store.ts';
import { EmailField, NewPasswordField, PasswordField } from '../kit/credential-fields.tsx';
import { documentOf } from '../kit/document.tsx';
import { Ago, Card, Copyable, Notice } from '../kit/elements.tsx';
import { ButtonForm, errorAt, Field, type FieldProblem, Form, SelectField } from '../kit/form.tsx';
import type { Frame } from '../kit/parts.ts';
import { QrCode } from '../kit/qr.tsx';
import { ZoneOptions } from '../kit/zone-options.tsx';
import { ACCOUNT_DONE, ACCOUNT_TEXT } from './text.ts';

type Enrolment = { secret: string; address: string };

export interface AccountData {
  account: Account;
  /** Whether the user may see the pages about this instance. */
  isOperator: boolean;
  sessions: readonly Session[];
  /** The id of this browser's session. */
  sessionId: string;
  hasTotp: boolean;
  /** Whether people sign in with passwords. If not, a recent sign-in confirms changes. */
  hasPasswords: boolean;
  timeZones: readonly string[];
  nowMs: number;
  done: string | null;
  problem?: FieldProblem;
  /** Two-factor authentication that is being set up. */
  enrolment?: Enrolment;
  /** New recovery codes, which are shown only once. */
  recoveryCodes?: readonly string[];
}

interface Section {
  frame: Frame;
  data: AccountData;
}

export function accountPage(frame: Frame, data: AccountData): string {
  const { done, problem, recoveryCodes } = data;
  const said = done === null || problem !== undefined ? undefined : ownValue(ACCOUNT_DONE, done);
  return documentOf({
    frame,
    title: ACCOUNT_TEXT.title,
    children: (
      <div class="settings">
        <h1>{ACCOUNT_TEXT.title}</h1>
        {said !== undefined && <Notice kind="done">{said}</Notice>}
        {problem !== undefined && <Notice kind="wrong">{problem.text}</Notice>}
        {recoveryCodes !== undefined && <RecoveryCodes codes={recoveryCodes} />}
        {data.isOperator && (
          <p>
            {ACCOUNT_TEXT.administer} <a href="/dashboard/instance">{ACCOUNT_TEXT.testEmail}</a>
          </p>
        )}
        <Email frame={frame} data={data} />
        {data.hasPasswords && <Password frame={frame} data={data} />}
        <SecondFactor frame={frame} data={data} />
        <Sessions frame={frame} data={data} />
        <TimeZone frame={frame} data={data} />
        <Delete frame={frame} data={data} />
      </div>
    ),
  });
}

function Email({ frame, data }: Section): VNode {
  return (
    <Card title={ACCOUNT_TEXT.email} id="email-title">
      <Form frame={frame} action="/dashboard/account/email" class="inline-form">
        <EmailField
          label={ACCOUNT_TEXT.email}
          autocomplete="email"
          value={data.account.email}
          error={errorAt(data.problem, 'email')}
        />
        <CurrentPassword name="email-password" data={data} />
        <button type="submit">{ACCOUNT_TEXT.changeEmail}</button>
      </Form>
    </Card>
  );
}

function Password({ frame, data }: Section): VNode {
  return (
    <Card title={ACCOUNT_TEXT.password} id="password-title">
      <Form frame={frame} action="/dashboard/account/password" class="inline-form">
        <CurrentPassword name="old-password" label={ACCOUNT_TEXT.currentPassword} data={data} />
        <NewPasswordField
          name="new-password"
          label={ACCOUNT_TEXT.newPassword}
          error={errorAt(data.problem, 'new-password')}
        />
        <button type="submit">{ACCOUNT_TEXT.changePassword}</button>
      </Form>
    </Card>
  );
}

function SecondFactor({ frame, data }: Section): VNode {
  const { enrolment, hasTotp } = data;
  return (
    <Card title={ACCOUNT_TEXT.secondFactor} id="factor-title">
      {enrolment !== undefined ? (
        <EnrolmentForm frame={frame} data={data} enrolment={enrolment} />
      ) : (
        <>
          {hasTotp && (
            <Form frame={frame} action="/dashboard/account/second-factor" class="inline-form">
              <p>{ACCOUNT_TEXT.on}</p>
              <ConfirmSecondFactor data={data} />
              <button type="submit" name="do" value="off">
                {ACCOUNT_TEXT.turnOff}
              </button>
            </Form>
          )}
          <Form frame={frame} action="/dashboard/account/second-factor">
            {!hasTotp && <p class="hint">{ACCOUNT_TEXT.off}</p>}
            <button type="submit">{hasTotp ? ACCOUNT_TEXT.anotherApp : ACCOUNT_TEXT.app}</button>
          </Form>
        </>
      )}
    </Card>
  );
}

function EnrolmentForm({ frame, data, enrolment }: Section & { enrolment: Enrolment }): VNode {
  const { secret, address } = enrolment;
  return (
    <Form frame={frame} action="/dashboard/account/second-factor" class="stack" hidden={{ do: 'confirm' }}>
      <p>
        {ACCOUNT_TEXT.scan} <a href={address}>{ACCOUNT_TEXT.openApp}</a>
      </p>
      <QrCode text={address} label={ACCOUNT_TEXT.qr} />
      <Copyable id="totp-secret" text={secret.replaceAll(/(.{4})(?=.)/g, '$1 ')} label={ACCOUNT_TEXT.key} />
      <Field
        name="code"
        label={ACCOUNT_TEXT.code}
        inputmode="numeric"
        autocomplete="one-time-code"
        required
        maxlength={10}
        error={errorAt(data.problem, 'code')}
      />
      <ConfirmSecondFactor data={data} />
      <button type="submit" class="primary">
        {ACCOUNT_TEXT.turnOn}
      </button>
    </Form>
  );
}

/** The fields that confirm a change to two-factor authentication. */
function ConfirmSecondFactor({ data }: { data: AccountData }): VNode {
  return (
    <>
      <CurrentPassword name="totp-password" data={data} />
      {data.hasTotp && (
        <Field
          name="totp-code"
          label={ACCOUNT_TEXT.currentCode}
          autocomplete="one-time-code"
          required
          maxlength={20}
          error={errorAt(data.problem, 'totp-code')}
        />
      )}
    </>
  );
}

function CurrentPassword(of: { name: string; label?: string; data: AccountData }): VNode | null {
  if (!of.data.hasPasswords) return null;
  return (
    <PasswordField
      name={of.name}
      label={of.label ?? ACCOUNT_TEXT.confirmPassword}
      error={errorAt(of.data.problem, of.name)}
    />
  );
}

function RecoveryCodes({ codes }: { codes: readonly string[] }): VNode {
  return (
    <section class="card card-strong" aria-labelledby="codes">
      <h2 id="codes">{ACCOUNT_TEXT.codes}</h2>
      <p>{ACCOUNT_TEXT.codesHint}</p>
      <Copyable id="recovery-codes" text={codes.join('\n')} label={ACCOUNT_TEXT.codesLabel} />
    </section>
  );
}

function Sessions({ frame, data: { sessions, sessionId, nowMs } }: Section): VNode {
  return (
    <Card title={ACCOUNT_TEXT.sessions} id="sessions-title">
      <ul class="lines">
        {sessions.map(({ id, label, createdAtMs, lastSeenAtMs }) => (
          <li>
            <div>
              <strong>{label}</strong>
              {id === sessionId && <span class="tag">{ACCOUNT_TEXT.here}</span>}
              <p class="hint">
                {ACCOUNT_TEXT.signedIn} <Ago atMs={createdAtMs} nowMs={nowMs} /> · {ACCOUNT_TEXT.lastActive}{' '}
                <Ago atMs={lastSeenAtMs} nowMs={nowMs} />
              </p>
            </div>
            <ButtonForm
              frame={frame}
              action="/dashboard/account/sessions"
              hidden={{ id }}
              label={ACCOUNT_TEXT.signOut}
              about={label}
            />
          </li>
        ))}
      </ul>
      {sessions.length > 1 && (
        <Form frame={frame} action="/dashboard/account/sessions">
          <button type="submit">{ACCOUNT_TEXT.signOutOthers}</button>
        </Form>
      )}
      <p>
        <a href="/dashboard/account/activity">{ACCOUNT_TEXT.activity}</a>
      </p>
    </Card>
  );
}

function TimeZone({ frame, data: { account, timeZones, problem } }: Section): VNode {
  return (
    <Card title={ACCOUNT_TEXT.zone} id="zone-title">
      <Form frame={frame} action="/dashboard/account/time-zone" class="inline-form">
        <SelectField
          name="time-zone"
          label={ACCOUNT_TEXT.reportingZone}
          hint={ACCOUNT_TEXT.zoneHint}
          error={errorAt(problem, 'time-zone')}
        >
          <ZoneOptions zones={timeZones} chosen={account.timeZone} />
        </SelectField>
        <button type="submit">{ACCOUNT_TEXT.save}</button>
      </Form>
    </Card>
  );
}

function Delete({ frame, data }: Section): VNode {
  if (data.isOperator)
    return (
      <Card title={ACCOUNT_TEXT.delete} id="delete-title">
        <p class="hint">{ACCOUNT_TEXT.deleteOperator}</p>
        <pre>
          <code>
            {frame.command} account remove --email {data.account.email}
          </code>
        </pre>
      </Card>
    );
  return (
    <Card title={ACCOUNT_TEXT.delete} id="delete-title">
      <p class="hint">{ACCOUNT_TEXT.deleteHint}</p>
      <Form frame={frame} action="/dashboard/account/delete" class="inline-form">
        <Field
          name="confirm"
          label={ACCOUNT_TEXT.typeToConfirm(data.account.email)}
          required
          autocomplete="off"
          error={errorAt(data.problem, 'confirm')}
        />
        <CurrentPassword name="delete-password" data={data} />
        <button type="submit" class="danger">
          {ACCOUNT_TEXT.delete}
        </button>
      </Form>
    </Card>
  );
}
