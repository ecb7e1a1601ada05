import { createTransport } from 'nodemailer';
import type { Clock } from '../domain/clock.ts';
import type { MailSettings } from '../domain/mail-settings.ts';

/** Sends emails over SMTP within limits, and classifies failures. */

/** The timeout of each step: connecting, the greeting, and every later response. */
const STEP_TIMEOUT_MS = 5_000;
/** The timeout of a whole delivery. */
const MAIL_TIMEOUT_MS = 12_000;
/** The maximum number of concurrent deliveries; more are refused. */
const MAILS_AT_ONCE = 20;
/** The maximum number of lines kept of an SMTP dialogue. */
const DIALOGUE_MAX_LINES = 100;
/** The maximum number of characters kept of a line. */
const LINE_MAX_CHARS = 500;

export interface MailMessage {
  to: string;
  subject: string;
  text: string;
  html: string;
}

/** A line of the SMTP dialogue, without secrets. */
export interface DialogueLine {
  by: 'us' | 'server';
  text: string;
}

export type MailProblem =
  | 'not-reached'
  | 'timed-out'
  | 'no-encryption'
  | 'untrusted-certificate'
  | 'log-in-refused'
  | 'mail-refused'
  | 'too-many'
  | 'given-up';

export interface MailFailure {
  problem: MailProblem;
  /** A message for people. */
  sentence: string;
  /** The response of the server, or the network error; null if there is none. */
  said: string | null;
}

export type Delivery =
  | { ok: true; dialogue: readonly DialogueLine[] }
  | { ok: false; failure: MailFailure; dialogue: readonly DialogueLine[] };

const SENTENCES: Readonly<Record<MailProblem, string>> = {
  'not-reached': 'The mail server could not be reached. Check the host and port in SMTP_URL.',
  'timed-out': 'The mail server did not respond in time. A firewall may be blocking the port.',
  'no-encryption':
    'No encrypted connection could be made. smtps:// uses TLS from the start (usually port 465), smtp:// uses STARTTLS (usually port 587).',
  'untrusted-certificate':
    'The certificate of the mail server is not trusted, has expired, or is not for the host in SMTP_URL. If its CA is private, set SMTP_CA_FILE.',
  'log-in-refused': 'The mail server rejected the user name or password in SMTP_URL.',
  'mail-refused':
    'The mail server rejected the email. Check that MAIL_FROM is allowed to send and that the recipient exists.',
  'too-many': `${MAILS_AT_ONCE} emails are already being sent. Try again in a moment.`,
  'given-up': 'The server was shutting down.',
};

/** The problem for each error code of the library. https://nodemailer.com/errors */
const PROBLEMS: Readonly<Record<string, MailProblem>> = {
  ETIMEDOUT: 'timed-out',
  ETLS: 'no-encryption',
  EAUTH: 'log-in-refused',
  ENOAUTH: 'log-in-refused',
  EENVELOPE: 'mail-refused',
  EMESSAGE: 'mail-refused',
  EPROTOCOL: 'mail-refused',
};

export class Mailer {
  readonly settings: MailSettings;
  readonly #clock: Clock;
  readonly #closing = new AbortController();
  readonly #underWay = new Set<Promise<unknown>>();
  #lastFailure: { atMs: number; failure: MailFailure } | null = null;

  constructor({ settings, clock }: { settings: MailSettings; clock: Clock }) {
    this.settings = settings;
    this.#clock = clock;
  }

  /** The last failed delivery since the start; null after a successful one. */
  get lastFailure(): { atMs: number; failure: MailFailure } | null {
    return this.#lastFailure;
  }

  /** Delivers an email to the mail server. It never throws, and settles within `MAIL_TIMEOUT_MS`. */
  async send(mail: MailMessage): Promise<Delivery> {
    if (this.#underWay.size >= MAILS_AT_ONCE) return this.#failed('too-many', null, []);
    const sending = this.#send(mail);
    this.#underWay.add(sending);
    try {
      return await sending;
    } finally {
      this.#underWay.delete(sending);
    }
  }

  /** Cancels all deliveries. */
  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.all(this.#underWay);
  }

  async #send({ to, ...mail }: MailMessage): Promise<Delivery> {
    const dialogue: DialogueLine[] = [];
    const timeout = AbortSignal.timeout(MAIL_TIMEOUT_MS);
    try {
      await createTransport({
        ...transportOf(this.settings),
        logger: listener(dialogue, this.settings),
      }).sendMail({
        ...mail,
        from: this.settings.from,
        // An object, because a string would be split at commas.
        to: { name: '', address: to },
        signal: AbortSignal.any([timeout, this.#closing.signal]),
        disableFileAccess: true,
        disableUrlAccess: true,
      });
      this.#lastFailure = null;
      return { ok: true, dialogue };
    } catch (error) {
      if (this.#closing.signal.aborted) return this.#failed('given-up', null, dialogue);
      return this.#failed(timeout.aborted ? 'timed-out' : problemOf(error), saidBy(error), dialogue);
    }
  }

  #failed(problem: MailProblem, said: string | null, dialogue: readonly DialogueLine[]): Delivery {
    const failure = { problem, sentence: SENTENCES[problem], said };
    this.#lastFailure = { atMs: this.#clock.now(), failure };
    return { ok: false, failure, dialogue };
  }
}

/** The encryption of the connection to the mail server. */
export type Encryption = 'from-the-start' | 'by-starttls' | 'where-offered' | 'none';

/**
 * Returns the encryption to use. A password is sent only over TLS, except to this machine, where certificates are usually
 * self-signed. If authorities are named, everything is.
 */
export function encryptionOf({ host, implicitTls, credentials, authorities }: MailSettings): Encryption {
  if (implicitTls) return 'from-the-start';
  if (authorities !== null) return 'by-starttls';
  if (host === 'localhost' || host === '::1' || /^127\./.test(host)) return 'none';
  return credentials === null ? 'where-offered' : 'by-starttls';
}

function transportOf(settings: MailSettings) {
  const { host, port, credentials, authorities } = settings;
  const encryption = encryptionOf(settings);
  return {
    host,
    port,
    secure: encryption === 'from-the-start',
    requireTLS: encryption === 'by-starttls',
    ignoreTLS: encryption === 'none',
    ...(authorities === null ? {} : { tls: { ca: authorities } }),
    ...(credentials === null ? {} : { auth: { user: credentials.user, pass: credentials.password } }),
    connectionTimeout: STEP_TIMEOUT_MS,
    greetingTimeout: STEP_TIMEOUT_MS,
    socketTimeout: STEP_TIMEOUT_MS,
    dnsTimeout: STEP_TIMEOUT_MS,
    debug: true,
  };
}

/** Records the SMTP dialogue. The library masks known secrets; anything that looks like one is masked again. */
function listener(dialogue: DialogueLine[], { credentials }: MailSettings) {
  const secrets =
    credentials === null
      ? []
      : [credentials.password, `\0${credentials.user}\0${credentials.password}`]
          .filter((secret) => secret !== '')
          .flatMap((secret) => [secret, Buffer.from(secret).toString('base64')]);
  const masked = (text: string) => secrets.reduce((shown, secret) => shown.replaceAll(secret, '…'), text);
  const note = (data: unknown, text: unknown): void => {
    const by = typeof data === 'object' && data !== null && 'tnx' in data ? data.tnx : null;
    if ((by !== 'client' && by !== 'server') || dialogue.length >= DIALOGUE_MAX_LINES) return;
    for (const line of String(text).split(/\r?\n/))
      dialogue.push({ by: by === 'client' ? 'us' : 'server', text: masked(line).slice(0, LINE_MAX_CHARS) });
  };
  const ignore = (): void => undefined;
  return {
    level: ignore,
    trace: ignore,
    debug: note,
    info: ignore,
    warn: ignore,
    error: ignore,
    fatal: ignore,
  };
}

function problemOf(error: unknown): MailProblem {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const message = error instanceof Error ? error.message : '';
  // The library replaces the code of Node.js. An alert is about a certificate of ours.
  if (/certificate/i.test(message) && !/alert/i.test(message)) return 'untrusted-certificate';
  return PROBLEMS[code] ?? (/SSL|TLS/i.test(message) ? 'no-encryption' : 'not-reached');
}

function saidBy(error: unknown): string | null {
  if (!(error instanceof Error)) return null;
  const said = 'response' in error && typeof error.response === 'string' ? error.response : error.message;
  return said.slice(0, LINE_MAX_CHARS);
}
