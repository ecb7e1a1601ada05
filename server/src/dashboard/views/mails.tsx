import type { VNode } from 'preact';
import { renderToString } from 'preact-render-to-string';
import type { MailMessage } from '../../mailer.ts';

/** The mails there are. Each is told twice, as plain text and as simple HTML; the renderer escapes what comes from people. */

interface Letter {
  to: string;
  subject: string;
  /** What it is about, one paragraph each. */
  paragraphs: readonly string[];
  link?: { text: string; address: string };
  /** What to do with a mail that nobody asked for. */
  closing: string;
}

export function resetMail(to: string, address: string): MailMessage {
  return written({
    to,
    subject: 'Set a new password',
    paragraphs: [
      'Somebody, hopefully you, asked for a new password of your AttractOS account.',
      'The link is good once, for one hour.',
    ],
    link: { text: 'Set a new password', address },
    closing: 'Was it not you? Then there is nothing to do: without the link nothing changes.',
  });
}

export function invitationMail(
  to: string,
  { address, inviter, domain, role }: { address: string; inviter: string; domain: string; role: string },
): MailMessage {
  return written({
    to,
    subject: `You are invited to the numbers of ${domain}`,
    paragraphs: [
      `${inviter} invites you to work on the numbers of ${domain}, as ${role === 'admin' ? 'an admin' : 'a viewer'}.`,
      'The link is good once, for seven days. You sign in, or make an account there.',
    ],
    link: { text: 'Accept the invitation', address },
    closing: 'Do you not know who this is? Then throw this mail away.',
  });
}

export function testMail(to: string, address: string): MailMessage {
  return written({
    to,
    subject: 'Mail works',
    paragraphs: ['This is the test mail of your AttractOS installation. If you read it, mail works.'],
    link: { text: 'Back to the installation', address },
    closing: 'You asked for it a moment ago.',
  });
}

function written({ to, subject, paragraphs, link, closing }: Letter): MailMessage {
  const text = [...paragraphs, ...(link === undefined ? [] : [link.address]), closing].join('\n\n');
  return {
    to,
    subject,
    text: `${text}\n`,
    html: `<!doctype html>${renderToString(page({ subject, paragraphs, link, closing }))}`,
  };
}

function page({
  subject,
  paragraphs,
  link,
  closing,
}: Omit<Letter, 'to' | 'link'> & { link: Letter['link'] | undefined }): VNode {
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <title>{subject}</title>
      </head>
      <body>
        {paragraphs.map((paragraph) => (
          <p>{paragraph}</p>
        ))}
        {link !== undefined && (
          <p>
            <a href={link.address}>{link.text}</a>
            <br />
            {link.address}
          </p>
        )}
        <p>{closing}</p>
      </body>
    </html>
  );
}
