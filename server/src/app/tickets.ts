import type { Clock } from '../domain/clock.ts';
import type { SecretBox } from '../domain/secret-box.ts';

/** Tickets: what a browser carries from one step to the next instead of this server. Only that browser can bring it back. */

interface TicketContext {
  secretBox: SecretBox;
  clock: Clock;
}

/**
 * Encrypts something until it is brought back.
 *
 * @param content an object of JSON
 * @param owner what the ticket is for, and the browser; it opens for no other
 */
export function sealTicket<Content extends object>(
  { secretBox, clock }: TicketContext,
  content: Content,
  { owner, lastsMs }: { owner: string; lastsMs: number },
): string {
  return secretBox.seal(JSON.stringify({ ...content, endsMs: clock.now() + lastsMs }), owner);
}

/** Opens a ticket that `sealTicket` created with such a content; null if it has expired, or has another owner. */
export function openTicket<Content extends object>(
  { secretBox, clock }: TicketContext,
  ticket: string,
  owner: string,
): Content | null {
  const text = secretBox.open(ticket, owner);
  const content = text === null ? null : (JSON.parse(text) as Content & { endsMs: number });
  return content === null || content.endsMs <= clock.now() ? null : content;
}
