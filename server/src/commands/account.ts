import { Option } from 'commander';
import {
  changePlan,
  changeTimeZone,
  createAccount,
  findAccount,
  removeAccount,
  signOutEverywhere,
} from '../app/accounts.ts';
import type { Context } from '../app/context.ts';
import { createResetLink } from '../app/password-reset.ts';
import { PASSWORD_MIN_CHARS } from '../app/passwords.ts';
import { turnOffSecondFactor } from '../app/second-factor.ts';
import { unlinkAccount } from '../app/sign-in-with-provider.ts';
import type { Answer, Commands, Options } from './command.ts';

const email = new Option('--email <address>', 'Email address of the account.');
const plan = new Option('--plan <plan>', 'Plan: free or pro.');

/** Runs a use case on the account that `--email` names. */
function changing(change: (context: Context, accountId: string) => Promise<void>) {
  return async (context: Context, { email: typed = '' }: Options): Promise<Answer> => {
    const { id, email } = await findAccount(context, typed);
    await change(context, id);
    return { id, email };
  };
}

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
        ...(chosen === undefined && !context.refusesPasswords ? { password } : {}),
      };
    },
    say: ({ email, plan, password }) =>
      `Account ${email} created on the ${plan} plan.${password === undefined ? '' : `\nPassword (shown only once): ${password}`}`,
  },

  'account reset-link': {
    description:
      'Create a link to set a new password, or to sign in with OIDC_ONLY. It works once and expires in an hour.',
    required: [email],
    async run(context, { email = '' }) {
      const account = await findAccount(context, email);
      const { path, expiresAtMs } = await createResetLink(context, account);
      return {
        ...{
          email: account.email,
          path: `${context.basePath}${path}`,
          expires_at: new Date(expiresAtMs).toISOString(),
        },
        ...(context.refusesPasswords ? { signs_in: true } : {}),
      };
    },
    say: ({ email, path, signs_in: signsIn }) =>
      `Open this path on your server to ${signsIn === true ? 'sign in as' : 'set a new password for'} ${email}:\n  ${path}`,
  },

  'account reset-second-factor': {
    description:
      'Turn off two-factor authentication for a person who has lost the app and all recovery codes. The password stays.',
    required: [email],
    run: changing(turnOffSecondFactor),
    say: ({ email }) =>
      `Two-factor authentication of ${email} is off. They can sign in with their password and set it up again.`,
  },

  'account sign-out': {
    description: 'Sign a person out in all browsers, and end the reset links of the account.',
    required: [email],
    run: changing(signOutEverywhere),
    say: ({ email }) => `${email} is signed out everywhere.`,
  },

  'account unlink': {
    description:
      'Unlink an account from its person at the identity provider, for example because the address is now that of someone else.',
    required: [email],
    run: changing(unlinkAccount),
    say: ({ email }) => `Account ${email} is no longer linked to the identity provider.`,
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
    // The store of commands has no events: a server removes those.
    run: changing(({ registry, record }, id) => removeAccount({ registry, record }, id)),
    say: ({ email }) => `Account ${email} removed.`,
  },
};
