import { existsSync, readFileSync } from 'node:fs';
import { parseArgs, parseEnv } from 'node:util';
import { listSites } from './api/sites.ts';
import { systemClock } from './clock.ts';
import { readConfig, settingsCatalogue, withEnvFile } from './config.ts';
import { readDomain } from './hosts.ts';
import {
  digestApiKey,
  newAccountId,
  newApiKey,
  newApiKeyId,
  newPassword,
  newSiteId,
  newSiteKey,
} from './keys.ts';
import { hashPassword, PASSWORD_MAX_CHARS, PASSWORD_MIN_CHARS } from './passwords.ts';
import { isPlanName, PLANS } from './plans.ts';
import { openShared, type SharedStore } from './store/open.ts';
import { type Account, RegistryConflict } from './store/store.ts';

/** The operator's commands. They share the data folder with a running server, which sees a change within a second. */

/** A command that cannot be done, told to the operator. */
class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

type Options = Readonly<Record<string, string | undefined>>;

interface Command {
  usage: string;
  sentence: string;
  /** Options besides `--json`; the required ones first. */
  required: readonly string[];
  optional: readonly string[];
  run(store: SharedStore, options: Options): Promise<Record<string, unknown>>;
  /** The answer for a person. */
  say(answer: Record<string, unknown>): string;
}

const EMAIL = /^[^\s@]+@[^\s@]+$/;
const EMAIL_MAX_CHARS = 254;
const KEY_NAME_MAX_CHARS = 100;

const COMMANDS: Readonly<Record<string, Command>> = {
  'account add': {
    usage: 'account add --email E [--plan free|pro] [--password P]',
    sentence: 'Make an account. Without --password one is made and shown once.',
    required: ['email'],
    optional: ['plan', 'password'],
    async run({ registry }, { email = '', plan = 'free', password }) {
      if (!EMAIL.test(email) || email.length > EMAIL_MAX_CHARS) {
        throw new CommandError('INVALID_EMAIL', `"${email}" is no e-mail address.`);
      }
      if (!isPlanName(plan)) {
        throw new CommandError(
          'INVALID_PLAN',
          `There is no plan "${plan}". There are: ${Object.keys(PLANS).join(', ')}.`,
        );
      }
      if (
        password !== undefined &&
        (password.length < PASSWORD_MIN_CHARS || password.length > PASSWORD_MAX_CHARS)
      ) {
        throw new CommandError(
          'INVALID_PASSWORD',
          `A password has ${PASSWORD_MIN_CHARS} to ${PASSWORD_MAX_CHARS} characters.`,
        );
      }
      const made = password === undefined ? newPassword() : undefined;
      const account = await registry.createAccount({
        id: newAccountId(),
        email,
        plan,
        billingAnchorDay: 1,
        passwordHash: await hashPassword(password ?? made ?? ''),
        createdAtMs: systemClock.now(),
      });
      return { id: account.id, email, plan, ...(made === undefined ? {} : { password: made }) };
    },
    say: ({ email, plan, password }) =>
      `Account ${email} made, plan ${plan}.${password === undefined ? '' : `\nPassword, shown only now: ${password}`}`,
  },

  'account remove': {
    usage: 'account remove --email E',
    sentence: 'Remove an account with its sites. Its API keys stop working.',
    required: ['email'],
    optional: [],
    async run({ registry }, { email = '' }) {
      const account = await accountOf({ registry }, email);
      await registry.removeAccount(account.id);
      return { id: account.id, email: account.email };
    },
    say: ({ email }) => `Account ${email} removed.`,
  },

  'site add': {
    usage: 'site add --account E --domain D',
    sentence: 'Add a site to an account.',
    required: ['account', 'domain'],
    optional: [],
    async run({ registry }, { account: email = '', domain: typed = '' }) {
      const account = await accountOf({ registry }, email);
      const domain = readDomain(typed);
      if (domain === null) throw new CommandError('INVALID_DOMAIN', `"${typed}" is no domain.`);
      const site = await registry.createSite(
        { id: newSiteId(), accountId: account.id, domain, key: newSiteKey(), createdAtMs: systemClock.now() },
        PLANS[account.plan].sites,
      );
      return {
        id: site.id,
        domain: site.domain,
        key: site.key,
        created_at: new Date(site.createdAtMs).toISOString(),
      };
    },
    say: ({ domain, id, key }) => `Site ${domain} added.\n  id   ${id}\n  key  ${key}`,
  },

  'site list': {
    usage: 'site list --account E',
    sentence: 'List the sites of an account with the events of this month.',
    required: ['account'],
    optional: [],
    async run(store, { account: email = '' }) {
      return listSites(store, await accountOf(store, email), systemClock);
    },
    say: ({ sites }) =>
      (sites as Awaited<ReturnType<typeof listSites>>['sites'])
        .map(
          (site) => `${site.domain}: ${site.events_this_month} events this month  (${site.id}, ${site.key})`,
        )
        .join('\n') || 'No sites yet.',
  },

  'key add': {
    usage: 'key add --account E --name N',
    sentence: 'Make an API key. It is shown once.',
    required: ['account', 'name'],
    optional: [],
    async run({ registry }, { account: email = '', name = '' }) {
      const account = await accountOf({ registry }, email);
      if (name.trim() === '' || name.length > KEY_NAME_MAX_CHARS) {
        throw new CommandError(
          'INVALID_NAME',
          `The name of a key has 1 to ${KEY_NAME_MAX_CHARS} characters.`,
        );
      }
      const key = newApiKey();
      const digest = digestApiKey(key);
      if (digest === null) throw new Error('a key just made does not fit its own shape');
      const { id } = await registry.createApiKey({
        id: newApiKeyId(),
        accountId: account.id,
        name,
        ...digest,
        createdAtMs: systemClock.now(),
      });
      return { id, name, key };
    },
    say: ({ name, id, key }) => `API key "${name}" made (${id}). Shown only now:\n  ${key}`,
  },

  'key revoke': {
    usage: 'key revoke --id I',
    sentence: 'Revoke an API key for good.',
    required: ['id'],
    optional: [],
    async run({ registry }, { id = '' }) {
      const key = await registry.revokeApiKey(id, systemClock.now());
      if (key === null) throw new CommandError('KEY_NOT_FOUND', `There is no API key with the id "${id}".`);
      return { id: key.id, revoked_at: new Date(key.revokedAtMs ?? 0).toISOString() };
    },
    say: ({ id, revoked_at }) => `API key ${id} revoked at ${revoked_at}.`,
  },
};

const CONFLICT_CODES: Readonly<Record<RegistryConflict['reason'], string>> = {
  'email-taken': 'EMAIL_TAKEN',
  'domain-taken': 'DOMAIN_TAKEN',
  'site-limit': 'SITE_LIMIT_REACHED',
};

async function accountOf({ registry }: Pick<SharedStore, 'registry'>, email: string): Promise<Account> {
  const account = await registry.accountByEmail(email);
  if (account === null)
    throw new CommandError('ACCOUNT_NOT_FOUND', `There is no account with the e-mail address "${email}".`);
  return account;
}

function help(): string {
  const lines = (rows: readonly (readonly [string, string])[]) => {
    const width = Math.max(...rows.map(([left]) => left.length));
    return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`).join('\n');
  };
  const commands = Object.values(COMMANDS).map(({ usage, sentence }) => [usage, sentence] as const);
  const settings = settingsCatalogue().map(
    (setting) =>
      [`${setting.name}${setting.default === '' ? '' : `=${setting.default}`}`, setting.sentence] as const,
  );
  return `attractos <command> [--json]

Commands
${lines([['serve', 'Run the server.'], ...commands])}

Settings, from the environment or a .env file
${lines(settings)}
`;
}

function parse(args: readonly string[]): { command: Command; options: Options } {
  const name = args.slice(0, 2).join(' ');
  const command = COMMANDS[name];
  if (command === undefined) {
    throw new CommandError('UNKNOWN_COMMAND', `There is no command "${name}". See: attractos --help`);
  }
  const names = [...command.required, ...command.optional];
  try {
    const { values } = parseArgs({
      args: args.slice(2),
      options: {
        ...Object.fromEntries(names.map((option) => [option, { type: 'string' as const }])),
        json: { type: 'boolean' as const },
      },
    });
    const options = values as Options; // every option besides `json` was declared a string
    const missing = command.required.find((option) => options[option] === undefined);
    if (missing !== undefined)
      throw new CommandError('USAGE', `--${missing} is missing. Usage: attractos ${command.usage}`);
    return { command, options };
  } catch (error) {
    if (error instanceof CommandError) throw error;
    throw new CommandError(
      'USAGE',
      `${error instanceof Error ? error.message : error}. Usage: attractos ${command.usage}`,
    );
  }
}

function dataDirOf(environment: NodeJS.ProcessEnv): string {
  const file = existsSync('.env') ? parseEnv(readFileSync('.env', 'utf8')) : {};
  return readConfig(withEnvFile(environment, file)).dataDir;
}

async function run(
  args: readonly string[],
  environment: NodeJS.ProcessEnv,
): Promise<Record<string, unknown>> {
  const { command, options } = parse(args);
  const store = await openShared({ dataDir: dataDirOf(environment) });
  try {
    return await command.run(store, options);
  } finally {
    store.close();
  }
}

function explain(error: unknown): { error: string; code: string } {
  if (error instanceof CommandError) return { error: error.message, code: error.code };
  if (error instanceof RegistryConflict) return { error: error.message, code: CONFLICT_CODES[error.reason] };
  return { error: error instanceof Error ? error.message : String(error), code: 'FAILED' };
}

const args = process.argv.slice(2);
const json = args.includes('--json');
process.umask(0o077);
if (args.length === 0 || args.includes('--help') || args[0] === 'help') {
  process.stdout.write(help());
} else {
  try {
    const answer = await run(args, process.env);
    process.stdout.write(`${json ? JSON.stringify(answer) : parse(args).command.say(answer)}\n`);
  } catch (error) {
    const explained = explain(error);
    process.stderr.write(`${json ? JSON.stringify(explained) : explained.error}\n`);
    process.exit(1);
  }
}
