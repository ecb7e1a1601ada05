/**
 * Shows the numbers of a bucket beside the chart: under the pointer, at a tap, and by the arrow keys. They are those of the
 * table below it.
 */
export function charts(): void {
  for (const chart of document.querySelectorAll<HTMLElement>('[data-chart]')) {
    const plot = chart.querySelector<HTMLElement>('.chart-plot');
    if (plot !== null) enhance(chart, plot);
  }
}

function enhance(chart: HTMLElement, plot: HTMLElement): void {
  const hits = [...plot.querySelectorAll<HTMLAnchorElement>('.chart-hit')];
  const rows = [...chart.querySelectorAll<HTMLTableRowElement>('tbody tr')];
  const names = [...chart.querySelectorAll('thead th')].slice(1).map((th) => th.textContent ?? '');
  for (const hit of hits) hit.removeAttribute('title');
  const tip = document.createElement('div');
  tip.className = 'chart-tip';
  tip.hidden = true;
  const keys = keyControl(chart.dataset.chart ?? '', hits.length);
  plot.append(tip, keys);
  let shown = -1;

  const hide = () => {
    hits[shown]?.classList.remove('is-shown');
    shown = -1;
    tip.hidden = true;
  };
  const show = (i: number) => {
    const [hit, row] = [hits[i], rows[i]];
    if (hit === undefined || row === undefined) return;
    hits[shown]?.classList.remove('is-shown');
    shown = i;
    hit.classList.add('is-shown');
    tip.replaceChildren(...contentOf(row, names));
    tip.hidden = false;
    const room = plot.clientWidth - tip.offsetWidth;
    // Beside the bucket, on the side that has room.
    const right = hit.offsetLeft + hit.offsetWidth + 8;
    const left = right <= room ? right : hit.offsetLeft - tip.offsetWidth - 8;
    tip.style.left = `${Math.max(0, Math.min(left, room))}px`;
    keys.setAttribute('aria-valuenow', String(i + 1));
    keys.setAttribute('aria-valuetext', textOf(row, names));
  };

  const indexOf = ({ target }: Event) => (target instanceof HTMLAnchorElement ? hits.indexOf(target) : -1);
  plot.addEventListener('pointerover', (event) => {
    if (event.pointerType !== 'touch') show(indexOf(event));
  });
  plot.addEventListener('pointerleave', (event) => {
    if (event.pointerType !== 'touch') hide();
  });
  // A first tap shows the numbers, and a second one at the same place follows the link.
  let isSecondTap = true;
  plot.addEventListener('pointerdown', (event) => {
    const i = indexOf(event);
    isSecondTap = event.pointerType !== 'touch' || i === shown;
    if (!isSecondTap) show(i);
  });
  plot.addEventListener('click', (event) => {
    if (!isSecondTap) event.preventDefault();
  });
  document.addEventListener('pointerdown', ({ target }) => {
    if (target instanceof Node && !plot.contains(target)) hide();
  });

  keys.addEventListener('focus', () => show(shown < 0 ? hits.length - 1 : shown));
  keys.addEventListener('blur', hide);
  keys.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const to = { ArrowLeft: shown - 1, ArrowRight: shown + 1, Home: 0, End: hits.length - 1 }[event.key];
    if (to !== undefined) show(Math.max(0, Math.min(to, hits.length - 1)));
    else if (event.key === 'Enter') hits[shown]?.click();
    else if (event.key === 'Escape' && !tip.hidden) hide();
    else return;
    // The page has shortcuts of its own for these keys.
    event.preventDefault();
  });
}

/** Creates the control that takes the focus for the arrow keys. Screen readers speak its value as it changes. */
function keyControl(label: string, count: number): HTMLElement {
  const keys = document.createElement('div');
  keys.className = 'chart-keys';
  keys.tabIndex = 0;
  keys.setAttribute('role', 'slider');
  keys.setAttribute('aria-label', label);
  keys.setAttribute('aria-valuemin', '1');
  keys.setAttribute('aria-valuemax', String(count));
  keys.setAttribute('aria-valuenow', String(count));
  return keys;
}

/** Creates the content of the tip from a row of the table. */
function contentOf(row: HTMLTableRowElement, names: readonly string[]): HTMLElement[] {
  const heading = document.createElement('strong');
  heading.textContent = row.querySelector('th')?.textContent ?? '';
  const list = document.createElement('dl');
  row.querySelectorAll('td').forEach((cell, i) => {
    const name = document.createElement('dt');
    name.textContent = names[i] ?? '';
    const value = document.createElement('dd');
    value.append(...cell.cloneNode(true).childNodes);
    list.append(name, value);
  });
  return [heading, list];
}

/** Writes a row of the table as one sentence. */
function textOf(row: HTMLTableRowElement, names: readonly string[]): string {
  const cells = [...row.querySelectorAll('td')].map((cell, i) => `${names[i]} ${cell.textContent}`);
  return `${row.querySelector('th')?.textContent}: ${cells.join(', ')}`;
}
