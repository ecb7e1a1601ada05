/** The mail server, and the sender of emails. */
export interface MailSettings {
  host: string;
  port: number;
  /** Whether the connection uses TLS from the start instead of STARTTLS. */
  implicitTls: boolean;
  /** The PEM certificates of the only CAs to trust; null for those that Node.js trusts. */
  authorities: string | null;
  credentials: { user: string; password: string } | null;
  /** The sender. The name may be empty. */
  from: { name: string; address: string };
}
