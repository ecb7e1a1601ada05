import { UseCaseError } from '../../app/use-case-error.ts';
import { type Answer, NotFound } from './parts.ts';

/** The responses of most pages. */

/** Responds with a page. */
export function html(text: string, status = 200): Answer {
  return { kind: 'html', html: text, status };
}

/** Redirects to another page. */
export function redirect(to: string): Answer {
  return { kind: 'redirect', to };
}

/**
 * Runs the action of a form, and responds with the form again if a use case refuses it.
 *
 * @param again creates the page that shows the use case's error
 */
export async function orAgain(
  work: () => Promise<Answer>,
  again: (error: UseCaseError) => Answer | Promise<Answer>,
): Promise<Answer> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof UseCaseError) || isMissing(error)) throw error;
    return again(error);
  }
}

/** Whether an error means that something does not exist, or that this user may not see it. */
export function isMissing(error: unknown): boolean {
  return error instanceof NotFound || (error instanceof UseCaseError && error.code.endsWith('_NOT_FOUND'));
}
