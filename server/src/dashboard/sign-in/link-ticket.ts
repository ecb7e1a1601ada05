import type { ProviderPerson } from '../../app/single-sign-on.ts';
import { openTicket, sealTicket } from '../../app/tickets.ts';
import { MINUTE_MS } from '../../domain/clock.ts';
import type { PageRequest, Parts } from '../kit/parts.ts';

/**
 * People who have come back from the identity provider, and have to show that an existing account is theirs. Nothing is stored: the
 * form contains the person, encrypted for this browser.
 */

const LASTS_MS = 10 * MINUTE_MS;

/** A person, and the account that they may link. */
export interface Link {
  person: Pick<ProviderPerson, 'identity' | 'role'>;
  accountId: string;
  /** The page to open afterwards. */
  next: string;
}

/** Creates the ticket for the form. */
export function sealLinkTicket(
  parts: Parts,
  { visitor }: PageRequest,
  { person: { identity, role }, accountId, next }: Link,
): string {
  const link: Link = { person: { identity, role }, accountId, next };
  return sealTicket(parts, link, { owner: ownerOf(visitor), lastsMs: LASTS_MS });
}

/** Reads a ticket; null if it has expired, or is not of this browser. */
export function openLinkTicket(parts: Parts, { visitor }: PageRequest, ticket: string): Link | null {
  return visitor === null ? null : openTicket<Link>(parts, ticket, ownerOf(visitor));
}

function ownerOf(visitor: string | null): string {
  return `link of an account in browser ${visitor}`;
}
