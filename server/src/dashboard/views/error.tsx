import type { Frame } from '../parts.ts';
import { documentOf } from './document.tsx';

/** A page that says why there is no other. */
export function errorPage(frame: Frame, { title, text }: { title: string; text: string }): string {
  return documentOf({
    frame,
    title,
    width: 'narrow',
    children: (
      <div class="alone">
        <h1>{title}</h1>
        <p>{text}</p>
        <p class="aside">
          <a href="/dashboard">To your sites</a>
        </p>
      </div>
    ),
  });
}
