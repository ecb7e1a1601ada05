/**
 * The elements in which letters are input. A dialog counts only while it is open, because it keeps the focus after closing
 * until the next rendering (https://html.spec.whatwg.org/multipage/interaction.html#focus-fixup).
 */
const TYPED_IN = 'input, textarea, select, dialog[open], [contenteditable]';

/** Handles keyboard shortcuts: links with `data-key`, and fields with `data-key-focus`. Ignores modifiers, and typing. */
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

/** Shows the list of shortcuts, which is at the end of the page, in a dialog. */
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
  title.textContent = 'Keyboard shortcuts';
  dialog.setAttribute('aria-labelledby', title.id);
  const close = document.createElement('button');
  close.textContent = 'Close';
  close.addEventListener('click', () => dialog.close());
  // The target of a click outside the content is the dialog itself.
  dialog.addEventListener('click', ({ target }) => {
    if (target === dialog) dialog.close();
  });
  const body = document.createElement('div');
  body.append(title, list.cloneNode(true), close);
  dialog.append(body);
  document.body.append(dialog);
  return dialog;
}
