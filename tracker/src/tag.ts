import type { Settings } from './settings.ts';
import type { Fields, Global } from './types.ts';

type Tag = HTMLScriptElement & { readonly dataset: DOMStringMap & Settings };

/** The tag this script came from; what the owner says in its `data-` attributes is asked for when it matters. */
export const {
  src,
  dataset,
  // The key may also stand in the script's address: optimiser plugins and tag managers build tags anew and drop their
  // `data-` attributes on the way. It has to be the first parameter there. `URL` is no help: many a page has one of its own.
  // biome-ignore lint/style/useTemplate: the collector looks for this string where its path is another.
  dataset: { key = src.split(/[=&]/)[1], api = src.split(/\b[/]/)[0] + '/e' },
} = document.currentScript as Tag;

/** The one global, `window.attractos`; the page may have made it before this script came, to queue its calls. */
// biome-ignore lint/suspicious/noAssignInExpressions: six bytes shorter, and a common idiom for globals.
export const attractos: Global = ((self as { attractos?: Global }).attractos ||= {});

/** Events that wait for their page view. */
export const queue: Fields[] = attractos.q || [];
