/**
 * Shows the numbers of a bucket beside the chart: under the pointer, at a tap, and by the arrow keys. They are those of the
 * table below it. Several buckets, dragged over with the mouse or chosen with Shift and the arrow keys, open as a period.
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
  // Buckets within a day have no report, so several cannot be chosen.
  const opensPeriods = hits.every(({ href }) => href !== '');
  for (const hit of hits) hit.removeAttribute('title');
  const tip = document.createElement('div');
  tip.className = 'chart-tip';
  tip.hidden = true;
  const keys = keyControl(chart.dataset.chart ?? '', hits.length);
  plot.append(tip, keys);
  let shown = -1;
  /** The other end of the chosen buckets; the bucket that is shown if it is the only one. */
  let anchor = -1;

  const mark = () => {
    const [first, last] = [Math.min(anchor, shown), Math.max(anchor, shown)];
    hits.forEach((hit, i) => {
      hit.classList.toggle('is-shown', i >= first && i <= last && shown >= 0);
    });
  };
  const hide = () => {
    shown = anchor = -1;
    mark();
    tip.hidden = true;
  };
  const show = (i: number, from = i) => {
    const [hit, row] = [hits[i], rows[i]];
    if (hit === undefined || row === undefined) return;
    shown = i;
    anchor = opensPeriods ? from : i;
    mark();
    const period = anchor === shown ? null : periodOf(rows[Math.min(anchor, i)], rows[Math.max(anchor, i)]);
    tip.replaceChildren(...(period === null ? contentOf(row, names) : [heading(period)]));
    tip.hidden = false;
    const room = plot.clientWidth - tip.offsetWidth;
    // Beside the bucket, on the side that has room.
    const right = hit.offsetLeft + hit.offsetWidth + 8;
    const left = right <= room ? right : hit.offsetLeft - tip.offsetWidth - 8;
    tip.style.left = `${Math.max(0, Math.min(left, room))}px`;
    keys.setAttribute('aria-valuenow', String(i + 1));
    keys.setAttribute('aria-valuetext', period ?? textOf(row, names));
  };

  const open = () => {
    if (anchor === shown) hits[shown]?.click();
    else openPeriod(hits[Math.min(anchor, shown)], hits[Math.max(anchor, shown)]);
  };

  const indexOf = ({ target }: Event) => (target instanceof HTMLAnchorElement ? hits.indexOf(target) : -1);
  /** The bucket where the mouse was pressed; -1 if it is not. */
  let pressed = -1;
  plot.addEventListener('pointerover', (event) => {
    if (event.pointerType !== 'touch') show(indexOf(event), pressed < 0 ? undefined : pressed);
  });
  plot.addEventListener('pointerleave', (event) => {
    pressed = -1;
    if (event.pointerType !== 'touch') hide();
  });
  // A first tap shows the numbers, and a second one at the same place follows the link.
  let followsLink = true;
  plot.addEventListener('pointerdown', (event) => {
    const i = indexOf(event);
    followsLink = event.pointerType !== 'touch' || i === shown;
    if (!followsLink) show(i);
    if (event.pointerType !== 'touch' && event.button === 0) pressed = i;
  });
  plot.addEventListener('pointerup', () => {
    if (pressed >= 0 && anchor !== shown) {
      followsLink = false;
      open();
    }
    pressed = -1;
  });
  // The browser would drag the link.
  plot.addEventListener('dragstart', (event) => event.preventDefault());
  plot.addEventListener('click', (event) => {
    if (!followsLink) event.preventDefault();
  });
  document.addEventListener('pointerdown', ({ target }) => {
    if (target instanceof Node && !plot.contains(target)) hide();
  });

  keys.addEventListener('focus', () => show(shown < 0 ? hits.length - 1 : shown));
  keys.addEventListener('blur', hide);
  keys.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const to = { ArrowLeft: shown - 1, ArrowRight: shown + 1, Home: 0, End: hits.length - 1 }[event.key];
    if (to !== undefined)
      show(Math.max(0, Math.min(to, hits.length - 1)), event.shiftKey ? anchor : undefined);
    else if (event.key === 'Enter') open();
    else if (event.key === 'Escape' && !tip.hidden) hide();
    else return;
    // The page has shortcuts of its own for these keys.
    event.preventDefault();
  });
}

/** Opens the report from the first day of one bucket to the last day of another. */
function openPeriod(first: HTMLAnchorElement | undefined, last: HTMLAnchorElement | undefined): void {
  if (!first?.href || !last?.href) return;
  const url = new URL(first.href);
  url.searchParams.set('to', new URL(last.href).searchParams.get('to') ?? '');
  location.assign(url);
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
  const list = document.createElement('dl');
  row.querySelectorAll('td').forEach((cell, i) => {
    const name = document.createElement('dt');
    name.textContent = names[i] ?? '';
    const value = document.createElement('dd');
    value.append(...cell.cloneNode(true).childNodes);
    list.append(name, value);
  });
  return [heading(nameOf(row)), list];
}

function heading(text: string): HTMLElement {
  const strong = document.createElement('strong');
  strong.textContent = text;
  return strong;
}

function nameOf(row: HTMLTableRowElement | undefined): string {
  return row?.querySelector('th')?.textContent ?? '';
}

function periodOf(first: HTMLTableRowElement | undefined, last: HTMLTableRowElement | undefined): string {
  return `${nameOf(first)} – ${nameOf(last)}`;
}

/** Writes a row of the table as one sentence. */
function textOf(row: HTMLTableRowElement, names: readonly string[]): string {
  const cells = [...row.querySelectorAll('td')].map((cell, i) => `${names[i]} ${cell.textContent}`);
  return `${nameOf(row)}: ${cells.join(', ')}`;
}
