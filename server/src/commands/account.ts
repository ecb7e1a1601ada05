import { Option } from 'commander';
import { changePlan, changeTimeZone, createAccount, findAccount, removeAccount } from '../app/accounts.ts';
import { createResetLink } from '../app/password-reset.ts';
import { PASSWORD_MIN_CHARS } from '../app/passwords.ts';
import type { Commands } from './command.ts';

const email = new Option('--email <address>', 'Email address of the account.');
const plan = new Option('--plan <plan>', 'Plan: free or pro.');

export const accountCommands: Commands = {
  'account add': {
    description: 'Create an account. Without --password, one is generated and shown once.',
    required: [email],
    optional: [
      plan,
      new Option('--password <password>', `Password of at least ${PASSWORD_MIN_CHARS} characters.`),
    ],
    async run(context, { email = '', plan = 'free', password: chosen }) {
      const { account, password } = await createAccount(context, { email, plan, password: chosen });
      return {
        ...{ id: account.id, email: account.email, plan: account.plan },
        ...(chosen === undefined ? { password } : {}),
      };
    },
    say: ({ email, plan, password }) =>
      `Account ${email} created on the ${plan} plan.${password === undefined ? '' : `\nPassword (shown only once): ${password}`}`,
  },

  'account reset-link': {
    description: 'Create a link to set a new password. It works once and expires in an hour.',
    required: [email],
    async run(context, { email = '' }) {
      const account = await findAccount(context, email);
      const { path, expiresAtMs } = await createResetLink(context, account);
      return { email: account.email, path, expires_at: new Date(expiresAtMs).toISOString() };
    },
    say: ({ email, path }) => `Open this path on your server to set a new password for ${email}:\n  ${path}`,
  },

  'account plan': {
    description: 'Change the plan of an account.',
    required: [email, plan],
    async run(context, { email: typed = '', plan = '' }) {
      const { id, email } = await findAccount(context, typed);
      return { id, email, plan: await changePlan(context, id, plan) };
    },
    say: ({ email, plan }) => `Account ${email} is now on the ${plan} plan.`,
  },

  'account time-zone': {
    description: 'Set the reporting time zone of an account.',
    required: [email, new Option('--zone <zone>', 'Time zone, such as Europe/Berlin.')],
    async run(context, { email: typed = '', zone = '' }) {
      const { id, email } = await findAccount(context, typed);
      return { id, email, time_zone: await changeTimeZone(context, id, zone) };
    },
    say: ({ email, time_zone: zone }) => `Reporting time zone of ${email}: ${zone}.`,
  },

  'account remove': {
    description:
      'Remove an account and its sites. Its API keys stop working at once; a server deletes the events within an hour.',
    required: [email],
    async run({ registry }, { email: typed = '' }) {
      const { id, email } = await findAccount({ registry }, typed);
      await removeAccount({ registry }, id);
      return { id, email };
    },
    say: ({ email }) => `Account ${email} removed.`,
  },
};
