import { isTimeZone } from '../domain/calendar.ts';
import { isPlanName, PLANS, type PlanName } from '../domain/plans.ts';
import { visibleText } from '../domain/visible-text.ts';
import { isGuessable, PASSWORD_MAX_CHARS, PASSWORD_MIN_CHARS } from './passwords.ts';
import { refusal } from './use-case-error.ts';

/** Validates what people type. All functions throw `UseCaseError`, or reject with it. */

const EMAIL = /^[^\s@<>"]+@[^\s@<>"]+$/;
/** The longest email address: https://www.rfc-editor.org/errata/eid1690 */
export const EMAIL_MAX_CHARS = 254;
/** The longest name of an API key, a public link or a saved query. */
export const NAME_MAX_CHARS = 100;
/** The maximum number of days: a hundred years. */
const DAYS_MAX = 36_500;
/** The longest part of an input that is repeated in an error. */
const REPEATED_MAX_CHARS = 100;

/** Shortens an input to be repeated in an error. */
export function shortened(typed: string): string {
  return typed.length > REPEATED_MAX_CHARS ? `${typed.slice(0, REPEATED_MAX_CHARS)}…` : typed;
}

/** Reads an email address without surrounding spaces. */
export function readEmail(typed: string): string {
  const email = typed.trim();
  // Other people see it, in pages and emails.
  const isVisible = visibleText(email) === email;
  if (!EMAIL.test(email) || !isVisible || email.length > EMAIL_MAX_CHARS) throw refusal('INVALID_EMAIL');
  return email;
}

/** Reads a new password, and refuses one that is easy to guess. */
export async function readNewPassword(typed: string, minChars = PASSWORD_MIN_CHARS): Promise<string> {
  if (typed.length < minChars || typed.length > PASSWORD_MAX_CHARS)
    throw refusal('INVALID_PASSWORD', minChars, PASSWORD_MAX_CHARS);
  if (await isGuessable(typed)) throw refusal('GUESSABLE_PASSWORD');
  return typed;
}

/** Reads the name of a plan. */
export function readPlan(typed: string): PlanName {
  if (!isPlanName(typed)) throw refusal('INVALID_PLAN', shortened(typed), Object.keys(PLANS));
  return typed;
}

/** Reads the name of a time zone, including deprecated names. */
export function readTimeZone(typed: string): string {
  if (!isTimeZone(typed)) throw refusal('INVALID_TIME_ZONE', shortened(typed));
  return typed;
}

/** A character that people see: no blank, control or formatting character, such as a zero-width space. */
const SEEN = /[^\s\p{Cc}\p{Cf}]/u;

/** Reads the name of an API key, a public link or a saved query without surrounding spaces. */
export function readName(typed: string): string {
  const name = typed.trim();
  if (!SEEN.test(name) || name.length > NAME_MAX_CHARS) throw refusal('INVALID_NAME', NAME_MAX_CHARS);
  return name;
}

/** Reads a number of days in digits. */
export function readDays(typed: string): number {
  const text = typed.trim();
  const days = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (days < 1 || days > DAYS_MAX) throw refusal('INVALID_DAYS', DAYS_MAX);
  return days;
}
