import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { MailSettings } from '../domain/mail-settings.ts';

/** The default port of `smtps`: https://www.rfc-editor.org/rfc/rfc8314#section-3.3 */
const IMPLICIT_TLS_PORT = 465;
/** The default port of message submission with STARTTLS. */
const SUBMISSION_PORT = 587;

/** Matches a sender: an address, or a name and an address in angle brackets. */
const SENDER = /^(?:[^\s<>",;@]+@[^\s<>",;@]+|([^<>"\r\n]*?)\s*<([^\s<>",;@]+@[^\s<>",;@]+)>)$/;

/**
 * Reads the mail settings.
 *
 * @returns null if no mail is sent; an error sentence if a setting is invalid, which never shows the mail server's URL
 */
export function readMailSettings(said: {
  server: string;
  from: string;
  publicUrl: string;
  caFile: string;
}): MailSettings | null | string {
  if (said.server === '' && said.caFile !== '') return 'SMTP_URL must be set if SMTP_CA_FILE is set.';
  if (said.server === '' && said.from === '') return null;
  if (said.server === '') return 'SMTP_URL must be set if MAIL_FROM is set: set both or neither.';
  if (said.from === '') return 'MAIL_FROM must be set if SMTP_URL is set: set both or neither.';
  if (said.publicUrl === '')
    return 'PUBLIC_URL must be set if SMTP_URL is set, because links in emails need it.';
  const url = URL.parse(said.server);
  if (url === null || !['smtp:', 'smtps:'].includes(url.protocol) || url.hostname === '')
    return 'SMTP_URL must begin with smtp:// or smtps:// and name a host.';
  const [user, password] = [decoded(url.username), decoded(url.password)];
  if (user === null || password === null) return 'SMTP_URL must write % in its user or password as %25.';
  const sender = SENDER.exec(said.from);
  if (sender === null)
    return `MAIL_FROM must be a sender such as stats@example.com or AttractOS <stats@example.com>; got "${said.from}".`;
  const authorities = said.caFile === '' ? null : readAuthorities(said.caFile);
  if (authorities instanceof Error)
    return `SMTP_CA_FILE must be a PEM file of certificates: ${authorities.message}; got "${said.caFile}".`;
  const implicitTls = url.protocol === 'smtps:';
  const port = url.port === '' ? (implicitTls ? IMPLICIT_TLS_PORT : SUBMISSION_PORT) : Number(url.port);
  return {
    ...{ host: url.hostname.replace(/^\[|\]$/g, ''), port, implicitTls, authorities },
    credentials: user === '' ? null : { user, password },
    from: { name: sender[1] ?? '', address: sender[2] ?? said.from },
  };
}

/** Reads a file of certificates. @returns the error if it cannot be read, or does not begin with a certificate */
function readAuthorities(path: string): string | Error {
  try {
    const pem = readFileSync(path, 'utf8');
    new X509Certificate(pem);
    return pem;
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

function decoded(part: string): string | null {
  try {
    return decodeURIComponent(part);
  } catch {
    return null;
  }
}
