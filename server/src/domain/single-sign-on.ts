/** The identity provider that people sign in with (OpenID Connect), and what it decides. */
export interface SingleSignOnSettings {
  /** The URL of the provider, as it writes it itself. */
  issuer: string;
  clientId: string;
  clientSecret: string;
  /** The scopes to ask for, separated by spaces. */
  scopes: string;
  /** The email domains of people who may sign in, in lower case; empty: only people who have an account. */
  domains: readonly string[];
  /** Which values of a claim give a role on the operator's sites; null if the provider does not decide about roles. */
  roles: { claim: string; admins: readonly string[]; viewers: readonly string[] } | null;
  /** Whether passwords are refused. */
  only: boolean;
}
