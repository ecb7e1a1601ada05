/** The mail server, and who the mails are from. */
export interface MailSettings {
  host: string;
  port: number;
  /** Encrypted from the first byte, and not by STARTTLS. */
  implicitTls: boolean;
  credentials: { user: string; password: string } | null;
  /** The name may be empty. */
  from: { name: string; address: string };
}

/** `smtps` and submission with STARTTLS: https://www.rfc-editor.org/rfc/rfc8314#section-3.3 */
const IMPLICIT_TLS_PORT = 465;
const SUBMISSION_PORT = 587;

/** A bare address, or a name with an address in angle brackets. */
const SENDER = /^(?:[^\s<>",;@]+@[^\s<>",;@]+|([^<>"\r\n]*?)\s*<([^\s<>",;@]+@[^\s<>",;@]+)>)$/;

/**
 * Reads the settings of mail; null where none is sent.
 *
 * @returns a sentence where they contradict each other or cannot be read. It never shows the server's address: there is a
 *   password in it.
 */
export function readMailSettings(said: {
  server: string;
  from: string;
  publicUrl: string;
}): MailSettings | null | string {
  if (said.server === '' && said.from === '') return null;
  if (said.server === '') return 'MAIL_FROM is set and SMTP_URL is not: set both, or neither.';
  if (said.from === '') return 'SMTP_URL is set and MAIL_FROM is not: set both, or neither.';
  if (said.publicUrl === '')
    return 'SMTP_URL is set and PUBLIC_URL is not: a link in a mail must lead here, not where a request says it came to.';
  const url = URL.parse(said.server);
  if (url === null || !['smtp:', 'smtps:'].includes(url.protocol) || url.hostname === '')
    return 'SMTP_URL is no address that begins with smtp:// or smtps:// and a host.';
  const [user, password] = [decoded(url.username), decoded(url.password)];
  if (user === null || password === null)
    return 'SMTP_URL has a % in its user or password that is not written as %25.';
  const sender = SENDER.exec(said.from);
  if (sender === null)
    return `MAIL_FROM is "${said.from}", which is no sender, such as stats@example.com or AttractOS <stats@example.com>.`;
  const implicitTls = url.protocol === 'smtps:';
  const port = url.port === '' ? (implicitTls ? IMPLICIT_TLS_PORT : SUBMISSION_PORT) : Number(url.port);
  return {
    ...{ host: url.hostname.replace(/^\[|\]$/g, ''), port, implicitTls },
    credentials: user === '' ? null : { user, password },
    from: { name: sender[1] ?? '', address: sender[2] ?? said.from },
  };
}

function decoded(part: string): string | null {
  try {
    return decodeURIComponent(part);
  } catch {
    return null;
  }
}
