import type { VNode } from 'preact';
import {
  type Delivery,
  type DialogueLine,
  type Encryption,
  encryptionOf,
  type MailFailure,
} from '../../app/mailer.ts';
import type { MailSettings } from '../../domain/mail-settings.ts';
import type { EngineStats } from '../../store/contract/store.ts';
import { documentOf } from '../kit/document.tsx';
import { Ago, Card, Copyable, Notice, Pair } from '../kit/elements.tsx';
import { Form } from '../kit/form.tsx';
import { whole } from '../kit/format.ts';
import type { Frame } from '../kit/parts.ts';
import { INSTANCE_TEXT } from './text.ts';

export interface InstanceData {
  /** The mail settings; null if no email is sent. */
  mail: MailSettings | null;
  lastFailure: { atMs: number; failure: MailFailure } | null;
  /** The recipient of a test email. */
  email: string;
  nowMs: number;
  /** Absent if the engine has none. */
  engine?: EngineStats | undefined;
  /** The result of a test email that was just sent. */
  delivery?: Delivery;
  problem?: string;
}

export function instancePage(frame: Frame, data: InstanceData): string {
  return documentOf({
    frame,
    title: INSTANCE_TEXT.title,
    children: (
      <div class="settings">
        <h1>{INSTANCE_TEXT.title}</h1>
        <p class="lead">{INSTANCE_TEXT.lead}</p>
        {data.problem !== undefined && <Notice kind="wrong">{data.problem}</Notice>}
        {data.engine?.daysToSeal !== undefined && (
          <Card title={INSTANCE_TEXT.reports} id="reports-title">
            <PastDays left={data.engine.daysToSeal} damaged={data.engine.damagedDays ?? 0} />
          </Card>
        )}
        <Card title={INSTANCE_TEXT.email} id="mail-title">
          {data.mail === null ? (
            <NoMail command={frame.command} />
          ) : (
            <Mail frame={frame} mail={data.mail} data={data} />
          )}
        </Card>
      </div>
    ),
  });
}

function PastDays({ left, damaged }: { left: number; damaged: number }) {
  return (
    <>
      {left > 0 && <p>{INSTANCE_TEXT.sealing(whole(left))}</p>}
      {damaged > 0 && <p>{INSTANCE_TEXT.damaged(whole(damaged))}</p>}
      {left === 0 && damaged === 0 && <p>{INSTANCE_TEXT.sealed}</p>}
    </>
  );
}

function NoMail({ command }: Pick<Frame, 'command'>): VNode {
  return (
    <>
      <p>{INSTANCE_TEXT.noEmail}</p>
      <pre>
        <code>{command} account reset-link --email you@example.com</code>
      </pre>
      <p class="hint">{INSTANCE_TEXT.setUp}</p>
    </>
  );
}

function Mail({ frame, mail, data }: { frame: Frame; mail: MailSettings; data: InstanceData }): VNode {
  const { delivery, lastFailure, email, nowMs } = data;
  return (
    <>
      <dl class="pairs">
        <Pair name={INSTANCE_TEXT.mailServer} value={INSTANCE_TEXT.hostAndPort(mail.host, mail.port)} />
        <Pair name={INSTANCE_TEXT.encryption} value={ENCRYPTION[encryptionOf(mail)]} />
        <Pair
          name={INSTANCE_TEXT.user}
          value={mail.credentials === null ? INSTANCE_TEXT.none : mail.credentials.user}
        />
        <Pair
          name={INSTANCE_TEXT.sender}
          value={mail.from.name === '' ? mail.from.address : `${mail.from.name} <${mail.from.address}>`}
        />
      </dl>
      {delivery === undefined && lastFailure !== null && (
        <Notice kind="wrong">
          {INSTANCE_TEXT.lastFailed} (<Ago atMs={lastFailure.atMs} nowMs={nowMs} />
          ). <Failed failure={lastFailure.failure} />
        </Notice>
      )}
      {delivery !== undefined &&
        (delivery.ok ? (
          <Notice kind="done">{INSTANCE_TEXT.accepted(email)}</Notice>
        ) : (
          <Notice kind="wrong">
            <Failed failure={delivery.failure} />
          </Notice>
        ))}
      {delivery !== undefined && <Dialogue lines={delivery.dialogue} />}
      <Form frame={frame} action="/dashboard/instance/test-mail">
        <button type="submit">{INSTANCE_TEXT.test(email)}</button>
      </Form>
    </>
  );
}

const ENCRYPTION: Readonly<Record<Encryption, string>> = {
  'from-the-start': INSTANCE_TEXT.tls,
  'by-starttls': INSTANCE_TEXT.startTls,
  'where-offered': INSTANCE_TEXT.startTlsOffered,
  none: INSTANCE_TEXT.local,
};

function Failed({ failure: { sentence, said } }: { failure: MailFailure }): VNode {
  return (
    <>
      {sentence}
      {said !== null && (
        <>
          {' '}
          {INSTANCE_TEXT.reply} <code>{said}</code>
        </>
      )}
    </>
  );
}

/** The SMTP dialogue, which helps the operator of the mail server to find the problem. */
function Dialogue({ lines }: { lines: readonly DialogueLine[] }): VNode {
  if (lines.length === 0) return <p class="hint">{INSTANCE_TEXT.noDialogue}</p>;
  return (
    <details open>
      <summary>{INSTANCE_TEXT.dialogue}</summary>
      <Copyable
        id="dialogue"
        text={lines.map(({ by, text }) => `${by === 'us' ? '→' : '←'} ${text}`).join('\n')}
        label={INSTANCE_TEXT.dialogueLabel}
      />
    </details>
  );
}
