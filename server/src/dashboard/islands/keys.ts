/** Letters that follow a link of the page: those of `data-key`. Never with a modifier, never while typing. */
export function keys(): void {
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    const { target } = event;
    if (target instanceof HTMLElement && target.closest('input, textarea, select, [contenteditable]')) return;
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

function showList(event: KeyboardEvent): void {
  const list = document.querySelector('[data-keys]')?.closest('details');
  if (list == null) return;
  event.preventDefault();
  list.open = true;
  list.querySelector('summary')?.focus();
  list.scrollIntoView({ block: 'start' });
}
