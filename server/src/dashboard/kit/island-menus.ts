/** Closes menus made of `<details>` on a click elsewhere, when focus leaves, and on Escape. */
export function menus(): void {
  const all = [...document.querySelectorAll<HTMLDetailsElement>('details[data-menu]')];
  const closeOthers = (target: EventTarget | null) => {
    for (const menu of all) if (!(target instanceof Node && menu.contains(target))) menu.open = false;
  };
  document.addEventListener('click', ({ target }) => closeOthers(target));
  document.addEventListener('focusin', ({ target }) => closeOthers(target));
  for (const menu of all) {
    menu.addEventListener('keydown', (event) => {
      if (event.key !== 'Escape' || !menu.open) return;
      event.preventDefault();
      event.stopPropagation();
      menu.open = false;
      menu.querySelector('summary')?.focus();
    });
  }
}
