import { setText } from '../kit/island-dom.ts';
import { INSTALL_TEXT } from './text.ts';

/** The texts that depend on the options, by the ids of their elements. */
const CHANGING = '.install pre, #script-url';

/**
 * Updates the snippets as soon as an option changes, with the page that the form asks for. Only texts change, so the focus and the
 * live check stay.
 */
export function snippetOptions(): void {
  const form = document.querySelector<HTMLFormElement>('[data-install]');
  if (form === null) return;
  form.addEventListener('change', async ({ target }) => {
    const query = new URLSearchParams([...new FormData(form)].map(([name, value]) => [name, String(value)]));
    const address = `${form.action}?${query}`;
    // Reloading the page keeps the choice.
    history.replaceState(null, '', address);
    // The snippets of all platforms are on the page.
    if (target instanceof HTMLInputElement && target.name === 'platform') return;
    setText(form, '[data-install-said]', '');
    const text = await fetch(address)
      .then((response) => response.text())
      .catch(() => '');
    // Another option may have changed meanwhile.
    if (address !== location.href) return;
    const page = new DOMParser().parseFromString(text, 'text/html');
    // Without an answer, or if the page has something to explain, the browser shows the page itself.
    if (page.querySelector('[data-install]') === null || page.querySelector('[data-install] .error') !== null)
      return form.submit();
    for (const element of document.querySelectorAll(CHANGING))
      element.replaceChildren(...(page.getElementById(element.id)?.childNodes ?? []));
    setText(form, '[data-install-said]', INSTALL_TEXT.updated);
  });
}
