import type { Config } from '../config.ts';
import type { SharedStore } from '../store/open.ts';
import type { Account, Site } from '../store/store.ts';

/** A command that cannot be done, told to the operator. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

export type Options = Readonly<Record<string, string | undefined>>;
export type Answer = Record<string, unknown>;

interface Described {
  usage: string;
  sentence: string;
  /** Options besides `--json`. */
  required: readonly string[];
  optional: readonly string[];
  /** What stands without a `--name`, such as a file. */
  positional?: string;
  /** The answer for a person. */
  say(answer: Answer): string;
}

/** A command on the shared store, beside a running server or without one. */
export interface StoreCommand extends Described {
  run(store: SharedStore, options: Options): Promise<Answer>;
}

/** A command on the data folder as a whole. */
export interface FolderCommand extends Described {
  runOnFolder(config: Config, options: Options): Promise<Answer>;
}

export type Command = StoreCommand | FolderCommand;
export type Commands = Readonly<Record<string, Command>>;

export async function accountByEmail(
  { registry }: Pick<SharedStore, 'registry'>,
  email: string,
): Promise<Account> {
  const account = await registry.accountByEmail(email);
  if (account === null) {
    throw new CommandError('ACCOUNT_NOT_FOUND', `There is no account with the e-mail address "${email}".`);
  }
  return account;
}

export async function siteById({ registry }: Pick<SharedStore, 'registry'>, id: string): Promise<Site> {
  const site = await registry.siteById(id);
  if (site === null) throw siteNotFound(id);
  return site;
}

export function siteNotFound(id: string): CommandError {
  return new CommandError('SITE_NOT_FOUND', `There is no site with the id "${id}".`);
}

const DAYS_MAX = 36_500;

/** A number of days as the operator writes one. @param or what the option takes besides, for the message */
export function readDays(text: string, or = ''): number {
  const days = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (days >= 1 && days <= DAYS_MAX) return days;
  throw new CommandError(
    'INVALID_DAYS',
    `--days is "${text}": a whole number of days from 1 to ${DAYS_MAX}${or}.`,
  );
}
