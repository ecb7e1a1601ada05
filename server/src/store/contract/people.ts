import type { DayRange } from '../../domain/clock.ts';
import type { PlanName } from '../../domain/plans.ts';
import type { SecurityDetails, SecurityEvent } from '../../domain/security-events.ts';

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
  /** Shared secret of the second factor, encrypted by the caller; null if it is off. Earlier versions stored it in base32. */
  totpSecret: string | null;
}

/** A second factor that is on, as it is stored. */
export interface StoredSecondFactor {
  accountId: string;
  totpSecret: string;
  recoveryHashes: readonly string[];
}

/** A browser that is signed in. */
export interface Session {
  id: string;
  accountId: string;
  /** The browser and operating system in two words, so that its owner recognizes the session. */
  label: string;
  createdAtMs: number;
  /** When the session was last used, to the minute. */
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
  /** The hosts whose pages may show the report in a frame, each with an optional leading `*.`. */
  embedHosts: readonly string[];
}

/** A note of a site's owner about a day, such as a release or a newsletter. */
export interface Annotation {
  id: string;
  siteId: string;
  /** The day of the calendar, as the number of days since 1970-01-01. */
  day: number;
  text: string;
  createdAtMs: number;
}

/** An action that the owner wants visitors to take: an event by name, or a page by path, where `*` matches any text. */
export interface Goal {
  id: string;
  siteId: string;
  kind: 'event' | 'page';
  pattern: string;
}

/** What can be saved: the filters of a report, or the steps of a funnel. */
export type SavedQueryKind = 'segment' | 'funnel';

/** A part of a report's URL, saved under a name. */
export interface SavedQuery {
  id: string;
  siteId: string;
  kind: SavedQueryKind;
  /** The account that alone sees it; null for all who see the site. */
  accountId: string | null;
  name: string;
  /** The parameters that it stands for, as a query string. */
  query: string;
  createdAtMs: number;
}

/** How a person reached the server. */
export type SecurityVia = 'dashboard' | 'command-line';

/** An event that is added to an account's security log. */
export interface NewSecurityEntry {
  accountId: string;
  event: SecurityEvent;
  atMs: number;
  /** The UTC day whose repetitions are one entry; null if this event is an entry of its own. */
  repeatedOnDay: number | null;
  /** The account that was signed in; null if none was. */
  actorId: string | null;
  via: SecurityVia;
  /** The browser and operating system in two words; null on the command line. */
  browser: string | null;
  /** The ISO 3166 code of the country; null if it is unknown. */
  country: string | null;
  details: SecurityDetails;
}

/** An entry of an account's security log. Browser, country and time are those of the last repetition. */
export interface SecurityEntry extends Omit<NewSecurityEntry, 'accountId' | 'repeatedOnDay'> {
  /** Identifies the entry in its account. */
  seq: number;
  firstAtMs: number;
  count: number;
  /** The email address of the account that was signed in; null if none was, or if it no longer exists. */
  actorEmail: string | null;
}

/** The position of an entry in a list: those after it are older. */
export type SecurityCursor = Pick<SecurityEntry, 'atMs' | 'seq'>;

/** The part of the registry about people. Every method may throw `StoreUnavailable`. */
export interface People {
  hasAccounts(): Promise<boolean>;
  /** Finds an account's credentials by email address, ignoring case. */
  credentialsByEmail(email: string): Promise<Credentials | null>;
  credentialsOf(accountId: string): Promise<Credentials | null>;
  /** Finds the account of a person of the identity provider. */
  credentialsByIdentity(identity: string): Promise<Credentials | null>;
  /** Whether an account is linked to a person of the identity provider. */
  hasIdentity(accountId: string): Promise<boolean>;
  /** Links an account to a person. Returns false if either is linked already. */
  linkIdentity(accountId: string, identity: string): Promise<boolean>;
  unlinkIdentity(accountId: string): Promise<void>;
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
  /** Returns the hashes of the recovery codes that are left. */
  recoveryHashesOf(accountId: string): Promise<string[]>;
  /** Uses up a recovery code. Returns false if there is no such code or it was used before. */
  useRecoveryCode(accountId: string, hash: string): Promise<boolean>;
  /** Lists the second factors of all accounts in pages; an empty page ends the list. @param accountId the last one seen */
  secondFactorsAfter(accountId: string): Promise<StoredSecondFactor[]>;
  /** Stores a secret in another form, unless the account has another one by now. */
  replaceTotpSecret(accountId: string, from: string, to: string): Promise<void>;
  /** Stores a recovery code's hash in another form, unless the code was used meanwhile. */
  replaceRecoveryHash(accountId: string, from: string, to: string): Promise<void>;
  /** Keeps a secret, encrypted by the caller, for a session in which a second factor is being set up. */
  setPendingTotp(sessionId: string, secret: string, endsAtMs: number): Promise<void>;
  /** Returns the secret that a session is setting up; null if there is none or its time is over. */
  pendingTotp(sessionId: string, atMs: number): Promise<string | null>;
  /** Uses up a secret that a session is setting up. Returns false if the session has another one or none by now. */
  usePendingTotp(sessionId: string, secret: string): Promise<boolean>;

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
  /** Makes an account's links to set a new password worthless. */
  withdrawResets(accountId: string): Promise<void>;
  /** Makes the invitations of an email address to a site worthless, compared without case. */
  withdrawInvitations(siteId: string, email: string): Promise<void>;

  /** Returns a site's members, sorted by email address. */
  membersOf(siteId: string): Promise<Member[]>;
  /** Returns a person's roles on sites of other accounts. */
  membershipsOf(accountId: string): Promise<Member[]>;
  roleOn(siteId: string, accountId: string): Promise<MemberRole | null>;
  setMember(siteId: string, accountId: string, role: MemberRole): Promise<void>;
  /** Removes a person from a site, with what they saved there for themselves. */
  removeMember(siteId: string, accountId: string): Promise<void>;

  createShare(share: Share, tokenHash: string): Promise<void>;
  /** Finds a public link by its token's hash; null if there is none or it has expired. */
  shareByToken(tokenHash: string, atMs: number): Promise<Share | null>;
  sharesOf(siteId: string): Promise<Share[]>;
  removeShare(siteId: string, id: string): Promise<boolean>;

  /**
   * Adds an event to the security log of an account, or counts it in the entry of its day. Keeps the newest `max` entries, not
   * counting repeated ones.
   */
  addSecurityEntry(entry: NewSecurityEntry, max: number): Promise<void>;
  /** Returns entries of an account since an instant, newest first. @param before continues after this entry; null for the newest */
  securityEntriesOf(
    accountId: string,
    range: { sinceMs: number; before: SecurityCursor | null; limit: number },
  ): Promise<SecurityEntry[]>;
  /** Deletes the entries of all accounts that are older than an instant. */
  expireSecurityEntries(beforeMs: number): Promise<void>;

  /** Adds a goal. Returns false if the site already has the same one. */
  addGoal(goal: Goal): Promise<boolean>;
  goalsOf(siteId: string): Promise<Goal[]>;
  removeGoal(siteId: string, id: string): Promise<boolean>;

  addAnnotation(annotation: Annotation): Promise<void>;
  /** Lists the annotations of the days of a site, by day and by the order in which they were added. */
  annotationsOf(siteId: string, days: DayRange): Promise<Annotation[]>;
  countAnnotations(siteId: string): Promise<number>;
  removeAnnotation(siteId: string, id: string): Promise<boolean>;

  /** Saves a query. Returns false if its name is taken by one that the same people see, ignoring ASCII case. */
  addSavedQuery(query: SavedQuery): Promise<boolean>;
  /** Lists what an account sees of a kind, by name: the team's, then its own. @param accountId null for the team's alone */
  savedQueriesOf(siteId: string, kind: SavedQueryKind, accountId: string | null): Promise<SavedQuery[]>;
  /** Replaces the name and the parameters of a saved query. Returns false if the name is taken, as `addSavedQuery` does. */
  changeSavedQuery(query: Pick<SavedQuery, 'siteId' | 'id' | 'name' | 'query'>): Promise<boolean>;
  removeSavedQuery(siteId: string, id: string): Promise<boolean>;
}
