import { authPage } from './auth-layout.tsx';
import type { ErrorText } from './error-text.ts';
import type { Frame } from './parts.ts';

/** Creates an error page. */
export function errorPage(frame: Frame, { title, text }: ErrorText): string {
  return authPage(frame, {
    title,
    children: (
      <>
        <p>{text}</p>
        <p class="aside">
          <a href="/dashboard">Back to sites</a>
        </p>
      </>
    ),
  });
}
