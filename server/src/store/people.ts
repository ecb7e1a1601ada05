import type { PlanName } from '../plans.ts';

/**
 * Who works with the numbers: how people sign in, what they may see of whose sites, and what they were sent. The registry's
 * second chapter; `registry.ts` has the first, `store.ts` the meaning of times and ids.
 *
 * Of every secret handed out (a session, a link in a mail) only its SHA-256 is kept.
 */

/** What somebody signs in with. */
export interface Credentials {
  accountId: string;
  email: string;
  /** PHC string of an argon2id hash. */
  passwordHash: string;
  /** Shared secret of the second factor, base32; null where it is off. */
  totpSecret: string | null;
}

/** A browser that is signed in. */
export interface Session {
  id: string;
  accountId: string;
  /** Browser and system in two words, to recognise it by. */
  label: string;
  createdAtMs: number;
  /** To the quarter of an hour. */
  lastSeenAtMs: number;
  expiresAtMs: number;
}

/** What somebody may do with a site that belongs to another account. */
export type MemberRole = 'admin' | 'viewer';

/** Somebody who works on a site without owning it. */
export interface Member {
  siteId: string;
  accountId: string;
  email: string;
  role: MemberRole;
}

/** What a one-time link is good for. An invitation may carry a role on a site. */
export interface Ticket {
  kind: 'reset' | 'invitation';
  /** Whom it was made for. */
  email: string;
  /** The account whose password it resets, or whose invitation it is. */
  accountId: string;
  siteId: string | null;
  role: MemberRole | null;
  expiresAtMs: number;
}

/** A public way to look at one site. */
export interface Share {
  id: string;
  siteId: string;
  name: string;
  /** PHC string; null: whoever has the link may look. */
  passwordHash: string | null;
  createdAtMs: number;
  expiresAtMs: number | null;
}

/** Something an owner wants to happen: an event by name, or a page by path with `*` for any text. */
export interface Goal {
  id: string;
  siteId: string;
  kind: 'event' | 'page';
  pattern: string;
}

/** Every method may throw `StoreUnavailable`. */
export interface People {
  hasAccounts(): Promise<boolean>;
  /** Compared without case. */
  credentialsByEmail(email: string): Promise<Credentials | null>;
  credentialsOf(accountId: string): Promise<Credentials | null>;
  setPassword(accountId: string, passwordHash: string): Promise<void>;
  setPlan(accountId: string, plan: PlanName): Promise<void>;
  /** @throws RegistryConflict `email-taken` */
  setEmail(accountId: string, email: string): Promise<void>;
  /** Turns the second factor on, with the hashes of its recovery codes, or off. */
  setTotp(
    accountId: string,
    totp: { secret: string; recoveryHashes: readonly string[] } | null,
  ): Promise<void>;
  /** Uses up a time step, so that no code works twice. False where this step, or a later one, was used before. */
  useTotpStep(accountId: string, step: number): Promise<boolean>;
  /** Uses up a recovery code. False where there is no such code any more. */
  useRecoveryCode(accountId: string, hash: string): Promise<boolean>;

  createSession(session: Session, tokenHash: string): Promise<void>;
  /** Null where there is none, or its time is over. */
  sessionByToken(tokenHash: string, atMs: number): Promise<Session | null>;
  touchSession(id: string, atMs: number): Promise<void>;
  /** Most recently seen first; those whose time is over are forgotten. */
  sessionsOf(accountId: string, atMs: number): Promise<Session[]>;
  endSession(accountId: string, id: string): Promise<boolean>;
  endSessionsOf(accountId: string, except: string | null): Promise<void>;

  createTicket(ticket: Ticket, tokenHash: string): Promise<void>;
  /** Looks at a ticket without using it. */
  ticketByToken(tokenHash: string, atMs: number): Promise<Ticket | null>;
  /** Uses a ticket up: whoever asks second gets null. */
  useTicket(tokenHash: string, atMs: number): Promise<Ticket | null>;
  invitationsTo(siteId: string, atMs: number): Promise<Ticket[]>;

  /** By e-mail address. */
  membersOf(siteId: string): Promise<Member[]>;
  /** The sites of others that somebody works on. */
  membershipsOf(accountId: string): Promise<Member[]>;
  roleOn(siteId: string, accountId: string): Promise<MemberRole | null>;
  setMember(siteId: string, accountId: string, role: MemberRole): Promise<void>;
  removeMember(siteId: string, accountId: string): Promise<void>;

  createShare(share: Share, tokenHash: string): Promise<void>;
  /** Null where there is none, or its time is over. */
  shareByToken(tokenHash: string, atMs: number): Promise<Share | null>;
  sharesOf(siteId: string): Promise<Share[]>;
  removeShare(siteId: string, id: string): Promise<boolean>;

  /** False where the site has the same goal already. */
  addGoal(goal: Goal): Promise<boolean>;
  goalsOf(siteId: string): Promise<Goal[]>;
  removeGoal(siteId: string, id: string): Promise<boolean>;
}
