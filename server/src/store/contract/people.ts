import type { PlanName } from '../../domain/plans.ts';

/**
 * People: how they sign in, which sites they can see, and which links they were sent. This is part of the registry; see
 * `registry.ts` for the rest, and `store.ts` for times and ids.
 *
 * Issued secrets (session tokens, links in emails) are stored only as SHA-256 hashes.
 */

/** An account's email address, password hash and second factor. */
export interface Credentials {
  accountId: string;
  email: string;
  /** PHC string of an argon2id hash. */
  passwordHash: string;
  /** Shared secret of the second factor in base32; null if it is off. */
  totpSecret: string | null;
}

/** A browser that is signed in. */
export interface Session {
  id: string;
  accountId: string;
  /** The browser and operating system in two words, so that its owner recognizes the session. */
  label: string;
  createdAtMs: number;
  /** When the session was last used, to the quarter of an hour. */
  lastSeenAtMs: number;
  expiresAtMs: number;
}

/** The role of a person on a site that belongs to another account. */
export type MemberRole = 'admin' | 'viewer';

/** A person who works on a site without owning it. */
export interface Member {
  siteId: string;
  accountId: string;
  email: string;
  role: MemberRole;
}

/** A token that allows one action, sent as a link. An invitation may grant a role on a site. */
export interface OneTimeToken {
  kind: 'reset' | 'invitation';
  /** The recipient's address. */
  email: string;
  /** The account whose password it resets, or that sent the invitation. */
  accountId: string;
  siteId: string | null;
  role: MemberRole | null;
  expiresAtMs: number;
}

/** A public link to the report of one site. */
export interface Share {
  id: string;
  siteId: string;
  name: string;
  /** PHC string of the link's password; null if it needs none. */
  passwordHash: string | null;
  createdAtMs: number;
  expiresAtMs: number | null;
}

/** An action that the owner wants visitors to take: an event by name, or a page by path, where `*` matches any text. */
export interface Goal {
  id: string;
  siteId: string;
  kind: 'event' | 'page';
  pattern: string;
}

/** The part of the registry about people. Every method may throw `StoreUnavailable`. */
export interface People {
  hasAccounts(): Promise<boolean>;
  /** Finds an account's credentials by email address, ignoring case. */
  credentialsByEmail(email: string): Promise<Credentials | null>;
  credentialsOf(accountId: string): Promise<Credentials | null>;
  setPassword(accountId: string, passwordHash: string): Promise<void>;
  setPlan(accountId: string, plan: PlanName): Promise<void>;
  /** Changes an account's email address. @throws RegistryConflict `email-taken` */
  setEmail(accountId: string, email: string): Promise<void>;
  /** Turns the second factor on (with the hashes of its recovery codes) or off. */
  setTotp(
    accountId: string,
    totp: { secret: string; recoveryHashes: readonly string[] } | null,
  ): Promise<void>;
  /** Uses up a time step, so that no code works twice. Returns false if this step or a later one was used before. */
  useTotpStep(accountId: string, step: number): Promise<boolean>;
  /** Uses up a recovery code. Returns false if there is no such code or it was used before. */
  useRecoveryCode(accountId: string, hash: string): Promise<boolean>;

  createSession(session: Session, tokenHash: string): Promise<void>;
  /** Finds a session by its token's hash; null if there is none or it has expired. */
  sessionByToken(tokenHash: string, atMs: number): Promise<Session | null>;
  touchSession(id: string, atMs: number): Promise<void>;
  /** Returns an account's sessions, most recently seen first, and deletes expired ones. */
  sessionsOf(accountId: string, atMs: number): Promise<Session[]>;
  endSession(accountId: string, id: string): Promise<boolean>;
  endSessionsOf(accountId: string, except: string | null): Promise<void>;

  createOneTimeToken(token: OneTimeToken, tokenHash: string): Promise<void>;
  /** Finds a token without using it up. */
  oneTimeToken(tokenHash: string, atMs: number): Promise<OneTimeToken | null>;
  /** Uses up a token, so that a second call returns null. */
  useOneTimeToken(tokenHash: string, atMs: number): Promise<OneTimeToken | null>;
  invitationsTo(siteId: string, atMs: number): Promise<OneTimeToken[]>;

  /** Returns a site's members, sorted by email address. */
  membersOf(siteId: string): Promise<Member[]>;
  /** Returns a person's roles on sites of other accounts. */
  membershipsOf(accountId: string): Promise<Member[]>;
  roleOn(siteId: string, accountId: string): Promise<MemberRole | null>;
  setMember(siteId: string, accountId: string, role: MemberRole): Promise<void>;
  removeMember(siteId: string, accountId: string): Promise<void>;

  createShare(share: Share, tokenHash: string): Promise<void>;
  /** Finds a public link by its token's hash; null if there is none or it has expired. */
  shareByToken(tokenHash: string, atMs: number): Promise<Share | null>;
  sharesOf(siteId: string): Promise<Share[]>;
  removeShare(siteId: string, id: string): Promise<boolean>;

  /** Adds a goal. Returns false if the site already has the same one. */
  addGoal(goal: Goal): Promise<boolean>;
  goalsOf(siteId: string): Promise<Goal[]>;
  removeGoal(siteId: string, id: string): Promise<boolean>;
}
