import type { PlanName } from '../../plans.ts';
import { emailTaken } from '../registry-conflicts.ts';
import {
  CREDENTIALS,
  type Row,
  SELECT_MEMBERS,
  SESSION,
  SHARE,
  TICKET,
  toCredentials,
  toGoal,
  toMember,
  toSession,
  toShare,
  toTicket,
} from '../registry-rows.ts';
import type { Credentials, Goal, Member, MemberRole, People, Session, Share, Ticket } from '../store.ts';
import {
  type Database,
  isUniqueViolation,
  prepared,
  type SqlValue,
  transaction,
  translated,
} from './driver.ts';

/** The chapter of the registry about people. */
export class SqlitePeople implements People {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  async hasAccounts(): Promise<boolean> {
    return this.#get('SELECT 1 FROM accounts LIMIT 1') !== undefined;
  }

  async credentialsByEmail(email: string): Promise<Credentials | null> {
    return toCredentials(this.#get(`SELECT ${CREDENTIALS} FROM accounts WHERE email = ?`, email));
  }

  async credentialsOf(accountId: string): Promise<Credentials | null> {
    return toCredentials(this.#get(`SELECT ${CREDENTIALS} FROM accounts WHERE id = ?`, accountId));
  }

  async setPassword(accountId: string, passwordHash: string): Promise<void> {
    this.#run('UPDATE accounts SET password_hash = ? WHERE id = ?', passwordHash, accountId);
  }

  async setPlan(accountId: string, plan: PlanName): Promise<void> {
    this.#run('UPDATE accounts SET plan = ? WHERE id = ?', plan, accountId);
  }

  async setEmail(accountId: string, email: string): Promise<void> {
    try {
      prepared(this.#db, 'UPDATE accounts SET email = ? WHERE id = ?').run(email, accountId);
    } catch (error) {
      if (isUniqueViolation(error)) throw emailTaken(email);
      translated(() => {
        throw error;
      });
    }
  }

  async setTotp(
    accountId: string,
    totp: { secret: string; recoveryHashes: readonly string[] } | null,
  ): Promise<void> {
    transaction(this.#db, () => {
      prepared(this.#db, 'UPDATE accounts SET totp_secret = ? WHERE id = ?').run(
        totp?.secret ?? null,
        accountId,
      );
      prepared(this.#db, 'DELETE FROM recovery_codes WHERE account_id = ?').run(accountId);
      for (const hash of totp?.recoveryHashes ?? [])
        prepared(this.#db, 'INSERT INTO recovery_codes (account_id, hash) VALUES (?, ?)').run(
          accountId,
          hash,
        );
    });
  }

  async useTotpStep(accountId: string, step: number): Promise<boolean> {
    return (
      this.#run('UPDATE accounts SET totp_step = ? WHERE id = ? AND totp_step < ?', step, accountId, step) ===
      1
    );
  }

  async useRecoveryCode(accountId: string, hash: string): Promise<boolean> {
    return this.#run('DELETE FROM recovery_codes WHERE account_id = ? AND hash = ?', accountId, hash) === 1;
  }

  async createSession(session: Session, tokenHash: string): Promise<void> {
    this.#run(
      `INSERT INTO sessions (${SESSION}, token_hash) VALUES (?, ?, ?, ?, ?, ?, ?)`,
      session.id,
      session.accountId,
      session.label,
      session.createdAtMs,
      session.lastSeenAtMs,
      session.expiresAtMs,
      tokenHash,
    );
  }

  async sessionByToken(tokenHash: string, atMs: number): Promise<Session | null> {
    const row = this.#get(
      `SELECT ${SESSION} FROM sessions WHERE token_hash = ? AND expires_at > ?`,
      tokenHash,
      atMs,
    );
    return row === undefined ? null : toSession(row);
  }

  async touchSession(id: string, atMs: number): Promise<void> {
    this.#run('UPDATE sessions SET last_seen_at = ? WHERE id = ?', atMs, id);
  }

  async sessionsOf(accountId: string, atMs: number): Promise<Session[]> {
    this.#run('DELETE FROM sessions WHERE expires_at <= ?', atMs);
    return this.#all(
      `SELECT ${SESSION} FROM sessions WHERE account_id = ? ORDER BY last_seen_at DESC, id`,
      accountId,
    ).map(toSession);
  }

  async endSession(accountId: string, id: string): Promise<boolean> {
    return this.#run('DELETE FROM sessions WHERE account_id = ? AND id = ?', accountId, id) === 1;
  }

  async endSessionsOf(accountId: string, except: string | null): Promise<void> {
    this.#run('DELETE FROM sessions WHERE account_id = ? AND id IS NOT ?', accountId, except);
  }

  async createTicket(ticket: Ticket, tokenHash: string): Promise<void> {
    this.#run(
      `INSERT INTO tickets (${TICKET}, token_hash) VALUES (?, ?, ?, ?, ?, ?, ?)`,
      ticket.kind,
      ticket.email,
      ticket.accountId,
      ticket.siteId,
      ticket.role,
      ticket.expiresAtMs,
      tokenHash,
    );
  }

  async ticketByToken(tokenHash: string, atMs: number): Promise<Ticket | null> {
    const row = this.#get(
      `SELECT ${TICKET} FROM tickets WHERE token_hash = ? AND expires_at > ?`,
      tokenHash,
      atMs,
    );
    return row === undefined ? null : toTicket(row);
  }

  async useTicket(tokenHash: string, atMs: number): Promise<Ticket | null> {
    return transaction(this.#db, () => {
      prepared(this.#db, 'DELETE FROM tickets WHERE expires_at <= ?').run(atMs);
      const row = prepared(this.#db, `DELETE FROM tickets WHERE token_hash = ? RETURNING ${TICKET}`).get(
        tokenHash,
      );
      return row === undefined ? null : toTicket(row);
    });
  }

  async invitationsTo(siteId: string, atMs: number): Promise<Ticket[]> {
    return this.#all(
      `SELECT ${TICKET} FROM tickets WHERE kind = 'invitation' AND site_id = ? AND expires_at > ? ORDER BY email`,
      siteId,
      atMs,
    ).map(toTicket);
  }

  async membersOf(siteId: string): Promise<Member[]> {
    return this.#all(`${SELECT_MEMBERS} WHERE m.site_id = ? ORDER BY a.email`, siteId).map(toMember);
  }

  async membershipsOf(accountId: string): Promise<Member[]> {
    return this.#all(`${SELECT_MEMBERS} WHERE m.account_id = ? ORDER BY m.site_id`, accountId).map(toMember);
  }

  async roleOn(siteId: string, accountId: string): Promise<MemberRole | null> {
    const row = this.#get('SELECT role FROM members WHERE site_id = ? AND account_id = ?', siteId, accountId);
    return row === undefined ? null : (row.role as MemberRole);
  }

  async setMember(siteId: string, accountId: string, role: MemberRole): Promise<void> {
    this.#run(
      `INSERT INTO members (site_id, account_id, role) VALUES (?, ?, ?)
       ON CONFLICT (site_id, account_id) DO UPDATE SET role = excluded.role`,
      siteId,
      accountId,
      role,
    );
  }

  async removeMember(siteId: string, accountId: string): Promise<void> {
    this.#run('DELETE FROM members WHERE site_id = ? AND account_id = ?', siteId, accountId);
  }

  async createShare(share: Share, tokenHash: string): Promise<void> {
    this.#run(
      `INSERT INTO shares (${SHARE}, token_hash) VALUES (?, ?, ?, ?, ?, ?, ?)`,
      share.id,
      share.siteId,
      share.name,
      share.passwordHash,
      share.createdAtMs,
      share.expiresAtMs,
      tokenHash,
    );
  }

  async shareByToken(tokenHash: string, atMs: number): Promise<Share | null> {
    const row = this.#get(
      `SELECT ${SHARE} FROM shares WHERE token_hash = ? AND coalesce(expires_at > ?, 1)`,
      tokenHash,
      atMs,
    );
    return row === undefined ? null : toShare(row);
  }

  async sharesOf(siteId: string): Promise<Share[]> {
    return this.#all(`SELECT ${SHARE} FROM shares WHERE site_id = ? ORDER BY created_at, id`, siteId).map(
      toShare,
    );
  }

  async removeShare(siteId: string, id: string): Promise<boolean> {
    return this.#run('DELETE FROM shares WHERE site_id = ? AND id = ?', siteId, id) === 1;
  }

  async addGoal(goal: Goal): Promise<boolean> {
    return (
      this.#run(
        'INSERT OR IGNORE INTO goals (id, site_id, kind, pattern) VALUES (?, ?, ?, ?)',
        goal.id,
        goal.siteId,
        goal.kind,
        goal.pattern,
      ) === 1
    );
  }

  async goalsOf(siteId: string): Promise<Goal[]> {
    return this.#all(
      'SELECT id, site_id, kind, pattern FROM goals WHERE site_id = ? ORDER BY pattern',
      siteId,
    ).map(toGoal);
  }

  async removeGoal(siteId: string, id: string): Promise<boolean> {
    return this.#run('DELETE FROM goals WHERE site_id = ? AND id = ?', siteId, id) === 1;
  }

  #get(sql: string, ...values: SqlValue[]): Row | undefined {
    return translated(() => prepared(this.#db, sql).get(...values));
  }

  #all(sql: string, ...values: SqlValue[]): Row[] {
    return translated(() => prepared(this.#db, sql).all(...values));
  }

  /** @returns rows changed */
  #run(sql: string, ...values: SqlValue[]): number {
    return translated(() => Number(prepared(this.#db, sql).run(...values).changes));
  }
}
