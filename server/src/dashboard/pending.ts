import { createHmac } from 'node:crypto';
import { MINUTE_MS } from '../clock.ts';
import type { Credentials } from '../store/store.ts';
import { sameText } from '../tokens.ts';

/**
 * Log-ins that still want their second factor. Nothing is kept of them: the ticket that goes into the form says whose it is
 * and until when, sealed with the password's hash, which is a secret of the account and another one after each change. So
 * any process of an installation knows it again. It may be shown twice; the code beside it works once.
 */

const LASTS_MS = 10 * MINUTE_MS;

/** What goes into the form. */
export function pendingTicket({ accountId, passwordHash }: Credentials, nowMs: number): string {
  const endsMs = nowMs + LASTS_MS;
  return `${accountId}.${endsMs}.${seal(accountId, endsMs, passwordHash)}`;
}

/** Whose ticket it says it is; null where it is none. Nothing is proved by it. */
export function accountOnTicket(ticket: string): string | null {
  return parse(ticket)?.accountId ?? null;
}

/** Whether a ticket was made for somebody who knew the password that is still in use, and its time is not over. */
export function ticketFits(ticket: string, { accountId, passwordHash }: Credentials, nowMs: number): boolean {
  const parsed = parse(ticket);
  if (parsed === null || parsed.accountId !== accountId || parsed.endsMs <= nowMs) return false;
  return sameText(parsed.seal, seal(accountId, parsed.endsMs, passwordHash));
}

function parse(ticket: string): { accountId: string; endsMs: number; seal: string } | null {
  const [, accountId, ends, seal] = /^([\w-]{1,64})\.(\d{1,15})\.([\w-]{43})$/.exec(ticket) ?? [];
  if (accountId === undefined || ends === undefined || seal === undefined) return null;
  return { accountId, endsMs: Number(ends), seal };
}

function seal(accountId: string, endsMs: number, passwordHash: string): string {
  return createHmac('sha256', passwordHash)
    .update(`second factor ${accountId} ${endsMs}`)
    .digest('base64url');
}
