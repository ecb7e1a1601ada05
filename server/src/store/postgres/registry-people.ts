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
import { type Database, UniqueViolation, type Value } from './driver.ts';

/** The chapter of the registry about people. */
export class PostgresPeople implements People {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  async hasAccounts(): Promise<boolean> {
    return (await this.#get('SELECT 1 FROM accounts LIMIT 1')) !== undefined;
  }

  async credentialsByEmail(email: string): Promise<Credentials | null> {
    return toCredentials(
      await this.#get(
        `SELECT ${CREDENTIALS} FROM accounts WHERE lower(email) = lower($1::text COLLATE "C")`,
        email,
      ),
    );
  }

  async credentialsOf(accountId: string): Promise<Credentials | null> {
    return toCredentials(await this.#get(`SELECT ${CREDENTIALS} FROM accounts WHERE id = $1`, accountId));
  }

  async setPassword(accountId: string, passwordHash: string): Promise<void> {
    await this.#run('UPDATE accounts SET password_hash = $1 WHERE id = $2', passwordHash, accountId);
  }

  async setPlan(accountId: string, plan: PlanName): Promise<void> {
    await this.#run('UPDATE accounts SET plan = $1 WHERE id = $2', plan, accountId);
  }

  async setEmail(accountId: string, email: string): Promise<void> {
    try {
      await this.#run('UPDATE accounts SET email = $1 WHERE id = $2', email, accountId);
    } catch (error) {
      if (!(error instanceof UniqueViolation)) throw error;
      throw emailTaken(email);
    }
  }

  async setTotp(
    accountId: string,
    totp: { secret: string; recoveryHashes: readonly string[] } | null,
  ): Promise<void> {
    await this.#db.transaction(async (tx) => {
      await tx.query('UPDATE accounts SET totp_secret = $1 WHERE id = $2', totp?.secret ?? null, accountId);
      await tx.query('DELETE FROM recovery_codes WHERE account_id = $1', accountId);
      await tx.query(
        'INSERT INTO recovery_codes (account_id, hash) SELECT $1, hash FROM unnest($2::text[]) AS codes (hash)',
        accountId,
        totp?.recoveryHashes ?? [],
      );
    });
  }

  async useTotpStep(accountId: string, step: number): Promise<boolean> {
    const used = await this.#run(
      'UPDATE accounts SET totp_step = $1 WHERE id = $2 AND totp_step < $1',
      step,
      accountId,
    );
    return used === 1;
  }

  async useRecoveryCode(accountId: string, hash: string): Promise<boolean> {
    const used = await this.#run(
      'DELETE FROM recovery_codes WHERE account_id = $1 AND hash = $2',
      accountId,
      hash,
    );
    return used === 1;
  }

  async createSession(session: Session, tokenHash: string): Promise<void> {
    await this.#run(
      `INSERT INTO sessions (${SESSION}, token_hash) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
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
    const row = await this.#get(
      `SELECT ${SESSION} FROM sessions WHERE token_hash = $1 AND expires_at > $2`,
      tokenHash,
      atMs,
    );
    return row === undefined ? null : toSession(row);
  }

  async touchSession(id: string, atMs: number): Promise<void> {
    await this.#run('UPDATE sessions SET last_seen_at = $1 WHERE id = $2', atMs, id);
  }

  async sessionsOf(accountId: string, atMs: number): Promise<Session[]> {
    // Rows that another process is deleting are its business: nobody waits for anybody.
    await this.#run(
      'DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE expires_at <= $1 FOR UPDATE SKIP LOCKED)',
      atMs,
    );
    const rows = await this.#all(
      `SELECT ${SESSION} FROM sessions WHERE account_id = $1 AND expires_at > $2 ORDER BY last_seen_at DESC, id`,
      accountId,
      atMs,
    );
    return rows.map(toSession);
  }

  async endSession(accountId: string, id: string): Promise<boolean> {
    return (await this.#run('DELETE FROM sessions WHERE account_id = $1 AND id = $2', accountId, id)) === 1;
  }

  async endSessionsOf(accountId: string, except: string | null): Promise<void> {
    await this.#run(
      'DELETE FROM sessions WHERE account_id = $1 AND id IS DISTINCT FROM $2::text',
      accountId,
      except,
    );
  }

  async createTicket(ticket: Ticket, tokenHash: string): Promise<void> {
    await this.#run(
      `INSERT INTO tickets (${TICKET}, token_hash) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
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
    const row = await this.#get(
      `SELECT ${TICKET} FROM tickets WHERE token_hash = $1 AND expires_at > $2`,
      tokenHash,
      atMs,
    );
    return row === undefined ? null : toTicket(row);
  }

  async useTicket(tokenHash: string, atMs: number): Promise<Ticket | null> {
    await this.#run(
      `DELETE FROM tickets WHERE token_hash IN
         (SELECT token_hash FROM tickets WHERE expires_at <= $1 FOR UPDATE SKIP LOCKED)`,
      atMs,
    );
    const row = await this.#get(
      `DELETE FROM tickets WHERE token_hash = $1 AND expires_at > $2 RETURNING ${TICKET}`,
      tokenHash,
      atMs,
    );
    return row === undefined ? null : toTicket(row);
  }

  async invitationsTo(siteId: string, atMs: number): Promise<Ticket[]> {
    const rows = await this.#all(
      `SELECT ${TICKET} FROM tickets WHERE kind = 'invitation' AND site_id = $1 AND expires_at > $2 ORDER BY email`,
      siteId,
      atMs,
    );
    return rows.map(toTicket);
  }

  async membersOf(siteId: string): Promise<Member[]> {
    return (await this.#all(`${SELECT_MEMBERS} WHERE m.site_id = $1 ORDER BY lower(a.email)`, siteId)).map(
      toMember,
    );
  }

  async membershipsOf(accountId: string): Promise<Member[]> {
    return (await this.#all(`${SELECT_MEMBERS} WHERE m.account_id = $1 ORDER BY m.site_id`, accountId)).map(
      toMember,
    );
  }

  async roleOn(siteId: string, accountId: string): Promise<MemberRole | null> {
    const row = await this.#get(
      'SELECT role FROM members WHERE site_id = $1 AND account_id = $2',
      siteId,
      accountId,
    );
    return row === undefined ? null : (row.role as MemberRole);
  }

  async setMember(siteId: string, accountId: string, role: MemberRole): Promise<void> {
    await this.#run(
      `INSERT INTO members (site_id, account_id, role) VALUES ($1, $2, $3)
       ON CONFLICT (site_id, account_id) DO UPDATE SET role = excluded.role`,
      siteId,
      accountId,
      role,
    );
  }

  async removeMember(siteId: string, accountId: string): Promise<void> {
    await this.#run('DELETE FROM members WHERE site_id = $1 AND account_id = $2', siteId, accountId);
  }

  async createShare(share: Share, tokenHash: string): Promise<void> {
    await this.#run(
      `INSERT INTO shares (${SHARE}, token_hash) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
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
    const row = await this.#get(
      `SELECT ${SHARE} FROM shares WHERE token_hash = $1 AND coalesce(expires_at > $2, true)`,
      tokenHash,
      atMs,
    );
    return row === undefined ? null : toShare(row);
  }

  async sharesOf(siteId: string): Promise<Share[]> {
    const rows = await this.#all(
      `SELECT ${SHARE} FROM shares WHERE site_id = $1 ORDER BY created_at, id`,
      siteId,
    );
    return rows.map(toShare);
  }

  async removeShare(siteId: string, id: string): Promise<boolean> {
    return (await this.#run('DELETE FROM shares WHERE site_id = $1 AND id = $2', siteId, id)) === 1;
  }

  async addGoal(goal: Goal): Promise<boolean> {
    const added = await this.#run(
      'INSERT INTO goals (id, site_id, kind, pattern) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING',
      goal.id,
      goal.siteId,
      goal.kind,
      goal.pattern,
    );
    return added === 1;
  }

  async goalsOf(siteId: string): Promise<Goal[]> {
    const rows = await this.#all(
      'SELECT id, site_id, kind, pattern FROM goals WHERE site_id = $1 ORDER BY pattern',
      siteId,
    );
    return rows.map(toGoal);
  }

  async removeGoal(siteId: string, id: string): Promise<boolean> {
    return (await this.#run('DELETE FROM goals WHERE site_id = $1 AND id = $2', siteId, id)) === 1;
  }

  async #get(sql: string, ...values: Value[]): Promise<Row | undefined> {
    return (await this.#db.query(sql, ...values)).rows[0];
  }

  async #all(sql: string, ...values: Value[]): Promise<Row[]> {
    return (await this.#db.query(sql, ...values)).rows;
  }

  /** @returns rows changed */
  async #run(sql: string, ...values: Value[]): Promise<number> {
    return (await this.#db.query(sql, ...values)).count;
  }
}
