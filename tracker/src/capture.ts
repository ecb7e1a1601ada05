import { PROP_VALUE_MAX_CHARS } from '../wire/limits.ts';
import { withPrefix } from './events.ts';
import { downloads, forms, outbound } from './tag.ts';
import { track } from './track.ts';

const FILES = /\.(pdf|docx?|xlsx?|csv|zip|dmg|mp[34])$/i;

/**
 * A click on a marked element, else on a download, else on a link to elsewhere: one event, never two. The click itself
 * is left alone: nothing is prevented, delayed or followed by script.
 */
const capture = ({ target, type }: Event): void => {
  const closest = <E extends HTMLElement>(selector: string): E | null =>
    (target as Element).closest(selector);
  const marked = closest('[data-attractos-event]');
  const link = closest<HTMLAnchorElement>('a[href]');
  // Links in SVG have no `host`; they are neither tracked nor broken.
  const props = link?.host && { url: (link.origin + link.pathname).slice(0, PROP_VALUE_MAX_CHARS) };
  if (marked) {
    // A form, or what is around one, speaks when it is sent.
    if (type === 'submit' || !(marked.querySelector('form') || closest('form')))
      track(`${marked.dataset['attractosEvent']}`, {
        ...withPrefix('attractosWith', marked.dataset),
        props: { ...(props as object), ...withPrefix('attractosProp', marked.dataset) },
      });
  } else if (type === 'submit') {
    if (forms) track('Form');
  } else if (props) {
    if (downloads && FILES.test(link.pathname)) track('Download', { props });
    else if (outbound && link.host !== location.host) track('Outbound', { props });
  }
};

/** Watches clicks, and forms that pass validation; on elements added later too. */
export const watchElements = (): void => {
  ['click', 'submit'].map((type) => addEventListener(type, capture, true));
};
