/** The texts of the page about this instance. */
export const INSTANCE_TEXT = {
  title: 'Server',
  lead: 'Only you can see this page, because this server was set up with your account.',
  reports: 'Reports',
  sealing: (days: string) =>
    `Past days are being prepared for fast reports: ${days} left, counted per site. Reports about them are slower until then.`,
  sealed: 'All past days are prepared for fast reports.',
  damaged: (days: string) =>
    `Past days whose events do not match their counters: ${days}, counted per site. Neither they nor later days leave events.db. Run: attractos doctor`,
  email: 'Email',
  noEmail: 'This server does not send email. Invitations are links that you copy. To reset a password, run:',
  setUp: 'To send both by email, set SMTP_URL, MAIL_FROM and PUBLIC_URL, then restart the server.',
  notConfigured: 'No mail server is configured. Set SMTP_URL, MAIL_FROM and PUBLIC_URL.',
  encryption: 'Encryption',
  user: 'User name',
  none: 'none',
  sender: 'Sender',
  accepted: (email: string) =>
    `The mail server accepted the email to ${email}. Check its inbox and spam folder.`,
  test: (email: string) => `Send test email to ${email}`,
  tls: 'TLS',
  startTls: 'STARTTLS, required',
  startTlsOffered: 'STARTTLS, if the server offers it',
  local: 'none (the mail server is on this machine)',
  noDialogue: 'No SMTP dialogue was recorded.',
  dialogue: 'SMTP dialogue',
  dialogueLabel: 'the SMTP dialogue',
  mailServer: 'Mail server',
  hostAndPort: (host: string, port: number) => `${host}, port ${port}`,
  lastFailed: 'The last email was not sent',
  reply: 'Server reply:',
} as const;
