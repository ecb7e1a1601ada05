import { PROP_VALUE_MAX_CHARS } from '../wire/limits.ts';
import { propsFrom } from './beacon.ts';
import { dataset } from './tag.ts';
import { track } from './view.ts';

const DOWNLOADS = /\.(pdf|docx?|xlsx?|csv|zip|dmg|mp[34])$/i;

/**
 * Sends at most one event for a click or a submitted form: for a marked element, else for a form, a download or an outbound
 * link. It does not prevent, delay or replace the page's own handling.
 */
const capture = ({ target, type, button }: Event & { readonly button?: number }): void => {
  // The target is not an element when a script dispatches the event at the window.
  const closest = <E extends HTMLElement>(selector: string): E | null | undefined =>
    (target as Element).closest?.(selector);
  const marked = closest('[data-attractos-event]');
  const link = closest<HTMLAnchorElement>('a[href]');
  // Only web links count, not those that open an app (`whatsapp://send`). In SVG, `href` is not a string.
  const web = /^http/.test(`${link?.href}`) && link;
  const isSubmit = type === 'submit';
  const name = marked
    ? // A marked form, or a marked element that contains a form, counts when the form is submitted.
      (isSubmit || !(marked.querySelector('form') || closest('form'))) && marked.dataset['attractosEvent']
    : isSubmit
      ? dataset.forms === 'on' && 'Form'
      : web &&
        (dataset.downloads === 'on' && DOWNLOADS.test(web.pathname)
          ? 'Download'
          : dataset.outbound === 'on' && web.host !== location.host && 'Outbound');
  // The middle button only opens links; the right button opens a menu.
  if (name && !(button && (button > 1 || !link)))
    track(name, {
      ...propsFrom('attractosWith', marked?.dataset),
      props: {
        ...(web && { url: (web.origin + web.pathname).slice(0, PROP_VALUE_MAX_CHARS) }),
        ...propsFrom('attractosProp', marked?.dataset),
      },
    });
};

/** Starts to capture clicks and submitted forms, including those on elements that are added later. */
export const startCapture = (): unknown =>
  ['click', 'auxclick', 'submit'].map((type) =>
    addEventListener(type, capture as (event: Event) => void, true),
  );
