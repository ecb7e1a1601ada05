import { PROP_VALUE_MAX_CHARS } from '../wire/limits.ts';
import { withPrefix } from './props.ts';
import { dataset } from './tag.ts';
import { track } from './track.ts';

const FILES = /\.(pdf|docx?|xlsx?|csv|zip|dmg|mp[34])$/i;

/**
 * A click on a marked element, else on a download, else on a link to elsewhere: one event, never two. The click itself
 * is left alone: nothing is prevented, delayed or followed by script.
 */
const capture = ({ target, type, button }: Event & { readonly button?: number }): void => {
  // What a script dispatches at the window has no elements around it.
  const closest = <E extends HTMLElement>(selector: string): E | null | undefined =>
    (target as Element).closest?.(selector);
  const marked = closest('[data-attractos-event]');
  const link = closest<HTMLAnchorElement>('a[href]');
  // Others have no host, or none that is a place (`whatsapp://send`); in drawings, `href` is no string.
  const web = /^http/.test(`${link?.href}`) && link;
  const isSubmit = type === 'submit';
  const name = marked
    ? // A form, or what is around one, speaks when it is sent.
      (isSubmit || !(marked.querySelector('form') || closest('form'))) && marked.dataset['attractosEvent']
    : isSubmit
      ? dataset.forms === 'on' && 'Form'
      : web &&
        (dataset.downloads === 'on' && FILES.test(web.pathname)
          ? 'Download'
          : dataset.outbound === 'on' && web.host !== location.host && 'Outbound');
  // The middle button opens links, and nothing else; the right one opens a menu.
  if (name && !(button && (button > 1 || !link)))
    track(name, {
      ...withPrefix('attractosWith', marked?.dataset),
      props: {
        ...(web && { url: (web.origin + web.pathname).slice(0, PROP_VALUE_MAX_CHARS) }),
        ...withPrefix('attractosProp', marked?.dataset),
      },
    });
};

/** Watches clicks, and forms that pass validation; on elements added later too. */
export const watchElements = (): unknown =>
  ['click', 'auxclick', 'submit'].map((type) =>
    addEventListener(type, capture as (event: Event) => void, true),
  );
