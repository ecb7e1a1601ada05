import { createTransport } from 'nodemailer';
import type { Clock } from './clock.ts';
import type { MailSettings } from './mail-settings.ts';

/** Mails over SMTP, one at a time each, within bounds, with a name for whatever goes wrong. */

/** How long each step may take: finding the server, its first word, and every silence after that. */
const STEP_TIMEOUT_MS = 5_000;
/** A mail that is not handed over by then is given up. */
const MAIL_TIMEOUT_MS = 12_000;
/** Mails under way at once; more are refused. */
const MAILS_AT_ONCE = 20;
/** Lines kept of a conversation, and characters of each. */
const DIALOGUE_MAX_LINES = 100;
const LINE_MAX_CHARS = 500;

export interface MailMessage {
  to: string;
  subject: string;
  text: string;
  html: string;
}

/** One line of the conversation with the SMTP server, without what is secret in it. */
export interface DialogueLine {
  by: 'us' | 'server';
  text: string;
}

export type MailProblem =
  | 'not-reached'
  | 'timed-out'
  | 'no-encryption'
  | 'log-in-refused'
  | 'mail-refused'
  | 'too-many'
  | 'given-up';

export interface MailFailure {
  problem: MailProblem;
  /** For a person. */
  sentence: string;
  /** What the server said, or the network, where one did. */
  said: string | null;
}

export type Delivery =
  | { ok: true; dialogue: readonly DialogueLine[] }
  | { ok: false; failure: MailFailure; dialogue: readonly DialogueLine[] };

const SENTENCES: Readonly<Record<MailProblem, string>> = {
  'not-reached': 'The mail server could not be reached. Are host and port of SMTP_URL right?',
  'timed-out': 'The mail server did not answer in time. A firewall that swallows the port looks like this.',
  'no-encryption':
    'No encrypted connection came about. smtps:// encrypts from the start, mostly on port 465; smtp:// by STARTTLS, mostly on 587. The certificate must fit the host.',
  'log-in-refused': 'The mail server refused the user name or the password of SMTP_URL.',
  'mail-refused': 'The mail server refused the mail. May MAIL_FROM send here, and does the address exist?',
  'too-many': `More than ${MAILS_AT_ONCE} mails are under way already. Try again in a moment.`,
  'given-up': 'The server was stopping.',
};

/** What the library calls it. https://nodemailer.com/errors */
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

  /** The last mail that was not handed over since the start, and not since a later one was. */
  get lastFailure(): { atMs: number; failure: MailFailure } | null {
    return this.#lastFailure;
  }

  /** Hands a mail over to the server of the settings. Never throws, and is done within `MAIL_TIMEOUT_MS`. */
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

  /** Gives up what is under way. */
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
        // As a pair: an address in a text would be taken apart at commas.
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

/** How the way to the mail server is encrypted. */
export type Encryption = 'from-the-start' | 'by-starttls' | 'where-offered' | 'none';

/** A password goes over no open line, except within this machine, where certificates are mostly made up. */
export function encryptionOf({ host, implicitTls, credentials }: MailSettings): Encryption {
  if (implicitTls) return 'from-the-start';
  if (host === 'localhost' || host === '::1' || /^127\./.test(host)) return 'none';
  return credentials === null ? 'where-offered' : 'by-starttls';
}

function transportOf(settings: MailSettings) {
  const { host, port, credentials } = settings;
  const encryption = encryptionOf(settings);
  return {
    host,
    port,
    secure: encryption === 'from-the-start',
    requireTLS: encryption === 'by-starttls',
    ignoreTLS: encryption === 'none',
    ...(credentials === null ? {} : { auth: { user: credentials.user, pass: credentials.password } }),
    connectionTimeout: STEP_TIMEOUT_MS,
    greetingTimeout: STEP_TIMEOUT_MS,
    socketTimeout: STEP_TIMEOUT_MS,
    dnsTimeout: STEP_TIMEOUT_MS,
    debug: true,
  };
}

/** Writes down what both sides say. The library masks what it knows to be secret; what looks like it is masked again. */
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
  const isTls = error instanceof Error && /certificate|SSL|TLS|altname/i.test(error.message);
  return PROBLEMS[code] ?? (isTls ? 'no-encryption' : 'not-reached');
}

function saidBy(error: unknown): string | null {
  if (!(error instanceof Error)) return null;
  const said = 'response' in error && typeof error.response === 'string' ? error.response : error.message;
  return said.slice(0, LINE_MAX_CHARS);
}
