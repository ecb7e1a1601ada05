import { createServer, type Socket } from 'node:net';
import {
  createSecureContext,
  createServer as createTlsServer,
  type SecureContext,
  TLSSocket,
} from 'node:tls';
import { until } from './poll.ts';

/** A local mail server with as much SMTP as a client needs, which misbehaves on request. */

export type Behavior =
  | 'takes'
  /** Accepts the connection and sends nothing. */
  | 'silent'
  /** Responds one byte at a time, forever. */
  | 'drips'
  | 'refuses-sender'
  | 'refuses-recipient'
  | 'hangs-up';

export interface ReceivedMail {
  from: string;
  to: string[];
  /**
   * Headers and body as received, with lines ended by `
   * `.
   */
  source: string;
}

export interface SmtpServer {
  port: number;
  behavior: Behavior;
  readonly mails: ReceivedMail[];
  /** Returns the next mail: one that has arrived and was not read yet, or the next to arrive. */
  next(): Promise<ReceivedMail>;
  close(): Promise<void>;
}

export const SMTP_USER = 'mailer';
export const SMTP_PASSWORD = 'pass/word%+é';

/** A certificate and its key, as PEM. */
export interface Certified {
  cert: Buffer;
  key: Buffer;
}

/**
 * @param certified with which the server offers STARTTLS, and accepts a password only after it
 * @param implicitTls whether connections use TLS from the start instead
 */
export async function startSmtpServer(certified?: Certified, implicitTls = false): Promise<SmtpServer> {
  const context = certified === undefined || implicitTls ? null : createSecureContext(certified);
  const sockets = new Set<Socket>();
  const mails: ReceivedMail[] = [];
  let given = 0;
  const onConnection = (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket)).on('error', () => socket.destroy());
    converse(socket, smtp, context);
  };
  const server = implicitTls ? createTlsServer({ ...certified }, onConnection) : createServer(onConnection);
  const smtp: SmtpServer = {
    port: 0,
    behavior: 'takes',
    mails,
    async next() {
      const mail = await until(
        async () => mails[given],
        (found) => found !== undefined,
      );
      given++;
      if (mail === undefined) throw new Error('no mail');
      return mail;
    },
    close() {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (typeof address === 'object' && address !== null) smtp.port = address.port;
  return smtp;
}

/** @param context the TLS that is offered; null for none */
function converse(socket: Socket, smtp: SmtpServer, context: SecureContext | null, isGreeted = false): void {
  const say = (line: string) => socket.write(`${line}\r\n`);
  if (smtp.behavior === 'silent') return;
  if (smtp.behavior === 'hangs-up') {
    say('421 not today');
    socket.end();
    return;
  }
  if (smtp.behavior === 'drips') {
    const drip = setInterval(() => socket.write('2'), 200);
    socket.on('close', () => clearInterval(drip));
    return;
  }
  let rest = '';
  let mail: ReceivedMail = { from: '', to: [], source: '' };
  let inData = false;
  if (!isGreeted) say('220 mail.test ESMTP');
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\r\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      if (inData) {
        if (line !== '.') {
          mail.source += `${line.replace(/^\./, '')}\n`;
          continue;
        }
        inData = false;
        smtp.mails.push(mail);
        mail = { from: '', to: [], source: '' };
        say('250 kept');
        continue;
      }
      const [word = '', what = ''] = line.split(/ (.*)/);
      switch (word.toUpperCase()) {
        case 'EHLO':
          say('250-mail.test');
          say(context === null ? '250 AUTH PLAIN' : '250 STARTTLS');
          break;
        case 'STARTTLS': {
          if (context === null) {
            say('502 5.5.1 not here');
            break;
          }
          say('220 go ahead');
          socket.removeAllListeners('data');
          const encrypted = new TLSSocket(socket, { isServer: true, secureContext: context });
          encrypted.on('error', () => socket.destroy());
          converse(encrypted, smtp, null, true);
          return;
        }
        case 'AUTH': {
          const [, user, password] = Buffer.from(what.replace(/^PLAIN /, ''), 'base64')
            .toString()
            .split('\0');
          say(user === SMTP_USER && password === SMTP_PASSWORD ? '235 welcome' : '535 5.7.8 no such user');
          break;
        }
        case 'MAIL':
          mail.from = what.slice('FROM:'.length);
          say(smtp.behavior === 'refuses-sender' ? '553 5.7.1 not your address' : '250 fine');
          break;
        case 'RCPT':
          mail.to.push(what.slice('TO:'.length));
          say(smtp.behavior === 'refuses-recipient' ? '550 5.1.1 nobody of that name' : '250 fine');
          break;
        case 'DATA':
          inData = true;
          say('354 go on');
          break;
        case 'QUIT':
          say('221 bye');
          socket.end();
          break;
        default:
          say('250 fine');
      }
    }
  });
}
