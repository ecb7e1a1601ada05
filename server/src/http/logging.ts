import type { FastifyLoggerOptions } from 'fastify';
import { visibleText } from '../domain/visible-text.ts';

/** The longest message of an error in the log. Some quote what was sent. */
const MESSAGE_MAX_CHARS = 500;
/** The longest stack of an error in the log. */
const STACK_MAX_CHARS = 2_000;
/** The most causes of an error in the log. */
const CAUSES_MAX = 5;

/** Returns the options of the logger: each line has a limited length, and nothing in it acts on a terminal. */
export function loggerOptions(level: string) {
  return {
    level,
    serializers: { req: ({ method }) => ({ method }), res: () => ({}), err: loggedError },
    hooks: { streamWrite: (line) => `${visibleText(line.trimEnd())}\n` },
  } satisfies FastifyLoggerOptions & { hooks: { streamWrite(line: string): string } };
}

/** Returns what the log says of an error: nothing that it carries along, such as the parameters of a statement. */
function loggedError(error: unknown): { type: string; message: string; stack: string; code?: string } {
  if (!(error instanceof Error))
    return { type: typeof error, message: String(error).slice(0, MESSAGE_MAX_CHARS), stack: '' };
  return {
    type: error.constructor.name,
    message: messagesOf(error).join(': ').slice(0, MESSAGE_MAX_CHARS),
    ...('code' in error ? { code: String(error.code).slice(0, MESSAGE_MAX_CHARS) } : {}),
    stack: (error.stack ?? '').slice(0, STACK_MAX_CHARS),
  };
}

/** Returns the message of an error and those of its causes. */
function messagesOf(error: Error): string[] {
  const messages: string[] = [];
  let cause: unknown = error;
  while (cause instanceof Error && messages.length < CAUSES_MAX) {
    messages.push(cause.message);
    cause = cause.cause;
  }
  return messages;
}
