import { PROP_VALUE_MAX_CHARS } from '../wire/limits.ts';
import { propsFrom } from './beacon.ts';
import { dataset } from './tag.ts';
import { track } from './view.ts';

/**
 * Starts to capture clicks and submitted forms, including those on elements that are added later. Each sends at most one event:
 * for a marked element, else for a form, a download or an outbound link. The page's own handling is not prevented, delayed or
 * replaced.
 */
export const startCapture = (): unknown =>
  ['click', 'auxclick', 'submit'].map((type) =>
    addEventListener(
      type,
      ({ button, target }: Event & { readonly button?: number }) => {
        // The target is not an element when a script dispatches the event at the window.
        const closest = <E extends HTMLElement>(selector: string): E | null | undefined =>
          (target as Element).closest?.(selector);
        const marked = closest('[data-attractos-event]');
        const link = closest<HTMLAnchorElement>('a[href]');
        // Only web links count, not those that open an app (`whatsapp://send`). In SVG, `href` is not a string.
        const web = /^http/.test(link?.href as string) && link;
        const name = marked
          ? // A marked form, or a marked element that contains a form, counts when the form is submitted.
            (type === 'submit' || !(marked.querySelector('form') || (marked as HTMLFormElement).elements)) &&
            marked.dataset['attractosEvent']
          : type === 'submit'
            ? dataset.forms === 'on' && 'Form'
            : web &&
              // "on" or no value stands for the default list.
              (dataset.downloads
                ?.replace(/^(on|)$/, 'csv,mp3,mp4,zip,xls,xlsx,doc,docx,dmg,pdf')
                .split(/\W+/)
                .includes(web.pathname.toLowerCase().split('.').pop() as string)
                ? 'Download'
                : dataset.outbound === 'on' && web.host !== location.host && 'Outbound');
        // The middle button only opens links; the right button opens a menu.
        if (name && !((button as number) > (!!link as unknown as number)))
          track(name, {
            ...propsFrom('attractosWith', marked?.dataset),
            props: {
              ...(web && { url: (web.origin + web.pathname).slice(0, PROP_VALUE_MAX_CHARS) }),
              ...propsFrom('attractosProp', marked?.dataset),
            },
          });
      },
      true,
    ),
  );
