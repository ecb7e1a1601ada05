import type { VNode } from 'preact';
import { renderToString } from 'preact-render-to-string';
import type { MailMessage } from '../../app/mailer.ts';

/** All emails. Each has a plain text and a simple HTML version; the renderer escapes user input. */

interface Letter {
  to: string;
  subject: string;
  paragraphs: readonly string[];
  link?: { text: string; address: string };
  /** What to do with an unexpected email. */
  closing: string;
}

export function resetMail(to: string, address: string): MailMessage {
  return written({
    to,
    subject: 'Reset your password',
    paragraphs: [
      'Someone asked to reset the password of your AttractOS account.',
      'To set a new password, open this link. It works once and expires in one hour.',
    ],
    link: { text: 'Set a new password', address },
    closing: 'If you didn’t request this, ignore this email.',
  });
}

export function invitationMail(
  to: string,
  { address, inviter, domain, role }: { address: string; inviter: string; domain: string; role: string },
): MailMessage {
  return written({
    to,
    subject: `You’ve been invited to ${domain}’s analytics`,
    paragraphs: [
      `${inviter} has invited you to ${domain}’s analytics as ${role === 'admin' ? 'an admin' : 'a viewer'}.`,
      'To accept, open this link and sign in or create an account. It works once and expires in seven days.',
    ],
    link: { text: 'Accept invitation', address },
    closing: 'If you don’t know the sender, you can ignore this email.',
  });
}

export function testMail(to: string, address: string): MailMessage {
  return written({
    to,
    subject: 'Test email',
    paragraphs: [
      'This is a test email from your AttractOS server. If you can read it, email delivery works.',
    ],
    link: { text: 'Back to your server', address },
    closing: 'You requested this email a moment ago.',
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
