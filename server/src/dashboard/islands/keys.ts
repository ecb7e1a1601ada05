/**
 * Where letters are for something else. A dialog only while it is open: one just closed keeps the focus until the page is
 * drawn again (https://html.spec.whatwg.org/multipage/interaction.html#focus-fixup).
 */
const TYPED_IN = 'input, textarea, select, dialog[open], [contenteditable]';

/** Letters that follow a link of the page: those of `data-key`. Never with a modifier, never while typing. */
export function keys(): void {
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    const { target } = event;
    if (target instanceof HTMLElement && target.closest(TYPED_IN)) return;
    if (event.key === '?') return showList(event);
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    for (const link of document.querySelectorAll<HTMLAnchorElement>('a[data-key]')) {
      if (link.dataset.key !== key) continue;
      event.preventDefault();
      location.assign(link.href);
      return;
    }
    const field = document.querySelector<HTMLElement>(`[data-key-focus="${CSS.escape(key)}"]`);
    if (field === null) return;
    event.preventDefault();
    const menu = field.closest('details');
    if (menu !== null) menu.open = true;
    field.focus();
  });
}

/** The list of keys that the page has at its end, in a dialog of its own. */
function showList(event: KeyboardEvent): void {
  const list = document.querySelector('[data-keys]');
  if (list === null) return;
  event.preventDefault();
  const dialog = document.querySelector<HTMLDialogElement>('.keys-dialog') ?? dialogWith(list);
  dialog.showModal();
}

function dialogWith(list: Element): HTMLDialogElement {
  const dialog = document.createElement('dialog');
  dialog.className = 'keys-dialog';
  const title = document.createElement('h2');
  title.id = 'keys-title';
  title.textContent = 'Keys';
  dialog.setAttribute('aria-labelledby', title.id);
  const close = document.createElement('button');
  close.textContent = 'Close';
  close.addEventListener('click', () => dialog.close());
  // Outside of what it shows is the dialog itself.
  dialog.addEventListener('click', ({ target }) => {
    if (target === dialog) dialog.close();
  });
  const body = document.createElement('div');
  body.append(title, list.cloneNode(true), close);
  dialog.append(body);
  document.body.append(dialog);
  return dialog;
}
