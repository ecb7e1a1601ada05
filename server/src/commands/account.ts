import { isTimeZone } from '../calendar.ts';
import { HOUR_MS, systemClock } from '../clock.ts';
import { newAccountId, newPassword } from '../keys.ts';
import { hashPassword, PASSWORD_MAX_CHARS, PASSWORD_MIN_CHARS } from '../passwords.ts';
import { isPlanName, PLANS } from '../plans.ts';
import { digestToken, newToken } from '../tokens.ts';
import { accountByEmail, CommandError, type Commands } from './command.ts';

const EMAIL = /^[^\s@]+@[^\s@]+$/;
const EMAIL_MAX_CHARS = 254;

export const accountCommands: Commands = {
  'account add': {
    usage: 'account add --email E [--plan free|pro] [--password P]',
    sentence: 'Make an account. Without --password one is made and shown once.',
    required: ['email'],
    optional: ['plan', 'password'],
    async run({ registry }, { email = '', plan = 'free', password }) {
      if (!EMAIL.test(email) || email.length > EMAIL_MAX_CHARS) {
        throw new CommandError('INVALID_EMAIL', `"${email}" is no e-mail address.`);
      }
      if (!isPlanName(plan)) throw unknownPlan(plan);
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

  'account reset-link': {
    usage: 'account reset-link --email E',
    sentence: 'Make a link that sets a new password once, within an hour.',
    required: ['email'],
    optional: [],
    async run({ registry }, { email = '' }) {
      const account = await accountByEmail({ registry }, email);
      const token = newToken();
      const expiresAtMs = systemClock.now() + HOUR_MS;
      await registry.createTicket(
        { kind: 'reset', email: account.email, accountId: account.id, siteId: null, role: null, expiresAtMs },
        digestToken(token),
      );
      return {
        email: account.email,
        path: `/reset/${token}`,
        expires_at: new Date(expiresAtMs).toISOString(),
      };
    },
    say: ({ email, path }) => `Open this path of your server to set a new password for ${email}:\n  ${path}`,
  },

  'account plan': {
    usage: 'account plan --email E --plan free|pro',
    sentence: 'Change the plan of an account.',
    required: ['email', 'plan'],
    optional: [],
    async run({ registry }, { email = '', plan = '' }) {
      const account = await accountByEmail({ registry }, email);
      if (!isPlanName(plan)) throw unknownPlan(plan);
      await registry.setPlan(account.id, plan);
      return { id: account.id, email: account.email, plan };
    },
    say: ({ email, plan }) => `Account ${email} is on the plan ${plan}.`,
  },

  'account time-zone': {
    usage: 'account time-zone --email E --zone Z',
    sentence: 'The time zone in which the days of its numbers begin, such as Europe/Berlin.',
    required: ['email', 'zone'],
    optional: [],
    async run({ registry }, { email = '', zone = '' }) {
      if (!isTimeZone(zone)) throw new CommandError('INVALID_TIME_ZONE', `There is no time zone "${zone}".`);
      const { id } = await accountByEmail({ registry }, email);
      await registry.setTimeZone(id, zone);
      return { id, email, time_zone: zone };
    },
    say: ({ email, time_zone: zone }) => `Days of ${email} begin in ${zone}.`,
  },

  'account remove': {
    usage: 'account remove --email E',
    sentence:
      'Remove an account with its sites. Its API keys stop working; a server deletes the events within an hour.',
    required: ['email'],
    optional: [],
    async run({ registry }, { email = '' }) {
      const account = await accountByEmail({ registry }, email);
      await registry.removeAccount(account.id);
      return { id: account.id, email: account.email };
    },
    say: ({ email }) => `Account ${email} removed.`,
  },
};

function unknownPlan(plan: string): CommandError {
  return new CommandError(
    'INVALID_PLAN',
    `There is no plan "${plan}". There are: ${Object.keys(PLANS).join(', ')}.`,
  );
}
