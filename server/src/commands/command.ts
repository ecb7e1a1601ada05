import type { Argument, Option } from 'commander';
import type { Context } from '../app/context.ts';
import type { Config } from '../config/config.ts';
import type { SharedStore } from '../store/open.ts';

/** An error of a command. Its message is for the operator. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** The options as typed, by their Commander names (`dryRun` for `--dry-run`), and the argument by its own name. */
export type Options = Readonly<Record<string, string | undefined>>;
export type Answer = Record<string, unknown>;

/** The description of a command, with its Commander options. The command's name is its key in `Commands`. */
interface Described {
  /** The help text of one or two sentences. */
  description: string;
  required?: readonly Option[];
  optional?: readonly Option[];
  /** The positional argument, such as a file. */
  argument?: Argument;
  /** Formats the result for people. */
  say(answer: Answer): string;
}

/** The dependencies of a command on the shared store. */
export interface CommandContext extends SharedStore, Context {
  /** Whether people sign in with an identity provider only. */
  refusesPasswords: boolean;
  /** The path of the public URL, which links begin with; empty if it has none. */
  basePath: string;
}

/** A command on the shared store, with or without a running server. */
export interface StoreCommand extends Described {
  run(context: CommandContext, options: Options): Promise<Answer>;
}

/** A command on the data folder as a whole. */
export interface FolderCommand extends Described {
  runOnFolder(config: Config, options: Options): Promise<Answer>;
}

export type Command = StoreCommand | FolderCommand;
export type Commands = Readonly<Record<string, Command>>;
