import type { VNode } from 'preact';
import type { MailSettings } from '../../mail-settings.ts';
import {
  type Delivery,
  type DialogueLine,
  type Encryption,
  encryptionOf,
  type MailFailure,
} from '../../mailer.ts';
import type { Frame } from '../parts.ts';
import { Csrf, documentOf } from './document.tsx';
import { Ago, Card, Copyable, Notice } from './parts.tsx';

export interface InstallationData {
  /** Null: none is sent. */
  mail: MailSettings | null;
  lastFailure: { atMs: number; failure: MailFailure } | null;
  /** Where a test mail goes. */
  email: string;
  nowMs: number;
  /** Of a test mail that was just tried. */
  delivery?: Delivery;
  problem?: string;
}

export function installationPage(frame: Frame, data: InstallationData): string {
  return documentOf({
    frame,
    title: 'Installation',
    children: (
      <div class="settings">
        <h1>This installation</h1>
        <p class="lead">
          Only you see this page: yours is the account that the installation was set up with.
        </p>
        {data.problem !== undefined && <Notice kind="wrong">{data.problem}</Notice>}
        <Card title="Mail" id="mail-title">
          {data.mail === null ? <NoMail /> : <Mail frame={frame} mail={data.mail} data={data} />}
        </Card>
      </div>
    ),
  });
}

function NoMail(): VNode {
  return (
    <>
      <p>No mail is sent: invitations are links that you copy, and a forgotten password takes</p>
      <pre>
        <code>npm run -s attractos -- account reset-link --email you@example.com</code>
      </pre>
      <p class="hint">
        Set SMTP_URL, MAIL_FROM and PUBLIC_URL, and start the server again, to have both sent.
      </p>
    </>
  );
}

function Mail({ frame, mail, data }: { frame: Frame; mail: MailSettings; data: InstallationData }): VNode {
  const { delivery, lastFailure, email, nowMs } = data;
  return (
    <>
      <dl class="pairs">
        <Pair name="Server" value={`${mail.host}, port ${mail.port}`} />
        <Pair name="Encryption" value={ENCRYPTION[encryptionOf(mail)]} />
        <Pair name="Log-in" value={mail.credentials === null ? 'none' : mail.credentials.user} />
        <Pair
          name="Sender"
          value={mail.from.name === '' ? mail.from.address : `${mail.from.name} <${mail.from.address}>`}
        />
      </dl>
      {delivery === undefined && lastFailure !== null && (
        <Notice kind="wrong">
          The last mail was not sent, <Ago atMs={lastFailure.atMs} nowMs={nowMs} />.{' '}
          <Failed failure={lastFailure.failure} />
        </Notice>
      )}
      {delivery !== undefined &&
        (delivery.ok ? (
          <Notice kind="done">
            The server took the mail for {email}. Look into its inbox, and its spam.
          </Notice>
        ) : (
          <Notice kind="wrong">
            <Failed failure={delivery.failure} />
          </Notice>
        ))}
      {delivery !== undefined && <Dialogue lines={delivery.dialogue} />}
      <form method="post" action="/dashboard/installation/test-mail">
        <Csrf frame={frame} />
        <button type="submit">Send a test mail to {email}</button>
      </form>
    </>
  );
}

const ENCRYPTION: Readonly<Record<Encryption, string>> = {
  'from-the-start': 'from the start',
  'by-starttls': 'by STARTTLS, or no mail',
  'where-offered': 'by STARTTLS, where the server offers it',
  none: 'none: the server is on this machine',
};

function Pair({ name, value }: { name: string; value: string }): VNode {
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        <code>{value}</code>
      </dd>
    </div>
  );
}

function Failed({ failure: { sentence, said } }: { failure: MailFailure }): VNode {
  return (
    <>
      {sentence}
      {said !== null && (
        <>
          {' '}
          It was said: <code>{said}</code>
        </>
      )}
    </>
  );
}

/** What both sides said, so that whoever runs the mail server can be asked. */
function Dialogue({ lines }: { lines: readonly DialogueLine[] }): VNode {
  if (lines.length === 0) return <p class="hint">Nobody said anything.</p>;
  return (
    <details open>
      <summary>What was said</summary>
      <Copyable
        id="dialogue"
        text={lines.map(({ by, text }) => `${by === 'us' ? '→' : '←'} ${text}`).join('\n')}
        label="what was said"
      />
    </details>
  );
}
