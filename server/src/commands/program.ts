import { Command, type CommanderError, Help, type Option } from 'commander';
import { CommandError, type Commands, type Command as Definition, type Options } from './command.ts';

/** The widest help that is printed. */
const HELP_MAX_COLUMNS = 100;
/** The narrowest column in which descriptions are still wrapped. */
const DESCRIPTION_MIN_COLUMNS = 24;

/** A line of help: a term and its description. */
interface Described {
  term: string;
  description: string;
}

/** The parts of the command line. */
export interface ProgramParts {
  /** The arguments, without Node and the file. */
  args: readonly string[];
  version: string;
  commands: Commands;
  /** The commands that another program runs, by name, with their descriptions. */
  servers: Readonly<Record<string, string>>;
  /** The settings with their descriptions, listed at the end of `--help`. */
  settings: readonly Described[];
  /** Runs a command with its options. */
  run(definition: Definition, options: Options): Promise<void>;
}

/**
 * Builds the command line from the definitions of its commands. It prints help and the version, and throws otherwise:
 * `CommandError` for a mistake, and a `CommanderError` with exit code 0 after help or the version.
 */
export function buildProgram({ args, version, commands, servers, settings, run }: ProgramParts): Command {
  const program = new Command('attractos')
    .description('Privacy-first web analytics on your own server.')
    .version(version, '--version', 'Print the version.')
    .option('--json', 'Print the result as one JSON object, and errors as one on standard error.')
    .helpOption('-h, --help', 'Print help for the command.')
    .helpCommand('help [command]', 'Print help for a command.')
    .configureHelp({
      showGlobalOptions: true,
      minWidthToWrap: DESCRIPTION_MIN_COLUMNS,
      optionDescription: (option) => option.description,
    })
    // Prints no errors: they are thrown, and the caller prints them.
    .configureOutput({ writeErr: () => {}, getOutHelpWidth: helpColumns })
    .exitOverride((error) => refuse(program, error))
    .addHelpText('after', () => `\n${settingsHelp(settings)}`);
  for (const [name, description] of Object.entries(servers)) addServer(program, name, description);
  for (const [name, definition] of Object.entries(commands)) {
    const command = addCommand(program, name).description(definition.description);
    addOptions(command, definition, args);
    command.action(() => run(definition, readOptions(command, definition)));
  }
  // Configured last, so that commands do not inherit it, and suggestions contain only names of their own level.
  return program.configureHelp({
    formatHelp: (command, help) =>
      new Help().formatHelp(
        command,
        Object.assign(help, { visibleCommands: leavesOf, subcommandTerm: (leaf: Command) => termOf(leaf) }),
      ),
  });
}

function helpColumns(): number {
  return process.stdout.isTTY ? Math.min(process.stdout.columns, HELP_MAX_COLUMNS) : HELP_MAX_COLUMNS;
}

function settingsHelp(settings: readonly Described[]): string {
  const help = new Help();
  Object.assign(help, { helpWidth: helpColumns(), minWidthToWrap: DESCRIPTION_MIN_COLUMNS });
  const width = Math.max(...settings.map(({ term }) => term.length));
  const lines = settings.map(({ term, description }) => help.formatItem(term, width, description, help));
  return `Settings, from the environment or a .env file:\n${lines.join('\n')}`;
}

/** Adds a command, whose name has one or two words. */
function addCommand(program: Command, name: string): Command {
  const [first = '', second] = name.split(' ');
  if (second === undefined) return addChild(program, first);
  const group = program.commands.find((command) => command.name() === first) ?? addChild(program, first);
  return addChild(group, second);
}

function addChild(parent: Command, name: string): Command {
  const child = parent.command(name);
  return child.exitOverride((error) => refuse(child, error));
}

/** Adds a command that another program runs. It runs here only with arguments: to print help, or to refuse them. */
function addServer(program: Command, name: string, description: string): void {
  const hint = [
    `"${name}" takes no arguments; configure it through the environment or a .env file.`,
    'See: attractos --help',
  ];
  addChild(program, name)
    .description(description)
    .addHelpText('after', `\n${hint.join('\n')}`)
    .action(() => {
      throw new CommandError('USAGE', hint.join(' '));
    });
}

function addOptions(command: Command, definition: Definition, args: readonly string[]): void {
  const { required = [], optional = [], argument } = definition;
  for (const option of [...required, ...optional]) {
    command.addOption(option);
    refuseSlips(command, option, args);
  }
  if (argument !== undefined) {
    command.addArgument(
      argument.argParser((value: string) => {
        if (value === '') command.error(`argument '${argument.name()}' is empty`); // probably an unset variable in a script
        return value;
      }),
    );
  }
  const more = optional.length === 0 ? [] : ['[options]'];
  const last =
    argument === undefined ? [] : [argument.required ? `<${argument.name()}>` : `[${argument.name()}]`];
  command.usage([...required.map((option) => option.flags), ...more, ...last].join(' '));
}

/** Refuses repeated options and missing values. Commander would take the last repeat, or the next option as the value. */
function refuseSlips(command: Command, option: Option, args: readonly string[]): void {
  let isGiven = false;
  command.on(`option:${option.name()}`, (value: string | null) => {
    if (isGiven) command.error(`option '${option.flags}' is given more than once`);
    isGiven = true;
    if (value !== null && /^-./.test(value) && !args.includes(`${option.long}=${value}`))
      command.error(
        `option '${option.flags}' needs a value; got '${value}' (write ${option.long}=${value} if that is the value)`,
      );
  });
}

/**
 * Reads options and checks the required ones. Commander would report a missing option before it suggests a correction of a
 * misspelled one.
 */
function readOptions(command: Command, { required = [], argument }: Definition): Options {
  const options = command.opts<Options>();
  const missing = required.find((option) => options[option.attributeName()] === undefined);
  if (missing !== undefined) command.error(`required option '${missing.flags}' is missing`);
  return argument === undefined ? options : { ...options, [argument.name()]: command.args[0] };
}

function refuse(command: Command, error: CommanderError): never {
  if (error.exitCode === 0) throw error;
  const path = pathOf(command);
  const refusal = (code: string, sentence: string) =>
    new CommandError(code, `${sentence} See: ${path} --help`);
  // If a subcommand is missing, Commander fails with the help of its parent.
  if (error.code === 'commander.help') {
    const names = command.commands.map((child) => child.name()).join(', ');
    const got = command.args.length === 0 ? 'nothing' : `"${command.args.join(' ')}"`;
    throw refusal('UNKNOWN_COMMAND', `"${path}" must be followed by one of ${names}; got ${got}.`);
  }
  const sentence = error.message
    .replace(/^error: /, '')
    .replace(/\n\((Did you mean .*)\)$/, '. $1')
    .replaceAll('\n', ' ');
  const capitalized = `${sentence.charAt(0).toUpperCase()}${sentence.slice(1)}`;
  throw refusal(
    error.code === 'commander.unknownCommand' ? 'UNKNOWN_COMMAND' : 'USAGE',
    /[.?]$/.test(capitalized) ? capitalized : `${capitalized}.`,
  );
}

function leavesOf(command: Command): Command[] {
  return command.commands.flatMap((child) => (child.commands.length === 0 ? [child] : leavesOf(child)));
}

function pathOf(command: Command): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`;
}

/** Returns a command's entry in the list of all commands, with its required options. */
function termOf(leaf: Command): string {
  const usage = leaf.options.length === 0 ? leaf.usage().replace('[options]', '') : leaf.usage();
  return `${pathOf(leaf)} ${usage.trim()}`.replace(/^attractos /, '').trimEnd();
}
