/**
 * Shows the numbers of a country below the map: under the pointer, at a tap, and while its row of the table has the pointer or the
 * focus.
 */
export function worldMap(): void {
  const world = document.querySelector('.world');
  const table = document.querySelector('.map-table');
  const text = document.querySelector('[data-map-text]');
  if (world !== null && table !== null && text !== null) enhance(world, table, text);
}

function enhance(world: Element, table: Element, text: Element): void {
  const hint = text.textContent;
  // A country and its row have the same link. A small country is drawn twice, with its dot at the end.
  const shapes = new Map(
    [...world.querySelectorAll('a')].map((link) => [link.getAttribute('href'), link.firstElementChild]),
  );
  let shown: Element | null = null;
  const show = (shape: Element | null) => {
    shown?.classList.remove('is-shown');
    shown = shape;
    shape?.classList.add('is-shown');
    text.textContent = shape?.querySelector('title')?.textContent ?? hint;
  };

  const shapeAt = ({ target }: Event) =>
    target instanceof Element && target !== world ? target.closest('path, circle') : null;
  world.addEventListener('pointerover', (event) => {
    if (!isTouch(event)) show(shapeAt(event));
  });
  world.addEventListener('pointerleave', (event) => {
    if (!isTouch(event)) show(null);
  });
  // A first tap shows the numbers, and a second one at the same place follows the link.
  let isSecondTap = true;
  world.addEventListener('pointerdown', (event) => {
    const shape = shapeAt(event);
    isSecondTap = !isTouch(event) || shape === shown;
    if (!isSecondTap) show(shape);
  });
  world.addEventListener('click', (event) => {
    if (!isSecondTap) event.preventDefault();
  });

  const showRow = ({ target }: Event) => {
    const link = target instanceof Element ? target.closest('tr')?.querySelector('a') : null;
    show(shapes.get(link?.getAttribute('href') ?? '') ?? null);
  };
  table.addEventListener('pointerover', showRow);
  table.addEventListener('focusin', showRow);
}

const isTouch = (event: Event): boolean => event instanceof PointerEvent && event.pointerType === 'touch';
