/** The mail server, and the sender of emails. */
export interface MailSettings {
  host: string;
  port: number;
  /** Whether the connection uses TLS from the start instead of STARTTLS. */
  implicitTls: boolean;
  credentials: { user: string; password: string } | null;
  /** The sender. The name may be empty. */
  from: { name: string; address: string };
}
