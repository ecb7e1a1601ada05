import { type Now, watchNow } from './now.ts';

/** The list of what just happened, going on as it happens. What the server sends: `LiveMessage` in `pages/live.ts`. */

interface Line {
  what: string;
  kind: string;
  atMs: number;
  time: string;
  title: string;
  detail: string;
}

export function happening(): void {
  const root = document.querySelector<HTMLElement>('[data-happening]');
  const list = root?.querySelector('[data-lines]');
  const { happening: base, since, max } = root?.dataset ?? {};
  if (root === null || list == null || base === undefined) return;
  const state = root.querySelector('[data-live-state]');
  if (state !== null) state.textContent = 'Goes on by itself.';
  const source = watchNow(base, since ?? '', (now) => showNow(root, now));
  source.addEventListener('message', ({ data }) => {
    const { line } = JSON.parse(String(data)) as { line: Line };
    list.prepend(itemOf(line));
    while (list.children.length > Number(max)) list.lastElementChild?.remove();
    hide(root, '[data-lines-empty]', true);
  });
  source.addEventListener('error', () => {
    if (source.readyState !== EventSource.CLOSED || state === null) return;
    state.textContent = 'The connection was closed. Reload the page to go on.';
  });
}

/** As `Line` in `views/happening.tsx` makes it. */
function itemOf({ what, kind, atMs, time, title, detail }: Line): HTMLElement {
  const item = document.createElement('li');
  item.dataset.what = what;
  item.classList.add('is-new');
  const clock = document.createElement('time');
  clock.dateTime = new Date(atMs).toISOString();
  clock.textContent = time;
  const said = part('happening-what');
  said.append(part('happening-title', title), part('hint', detail));
  const when = part('hint happening-time');
  when.append(clock);
  item.append(part('happening-kind', kind), said, when);
  return item;
}

function showNow(root: HTMLElement, { visitors, pages }: Now): void {
  text(root, '[data-now-count]', String(visitors));
  text(root, '[data-now-word]', visitors === 1 ? 'visitor' : 'visitors');
  root.querySelector('[data-now-pages]')?.replaceChildren(
    ...pages.map(({ path, visitors: there }) => {
      const item = document.createElement('li');
      item.append(part('now-path', path), part('number', String(there)));
      return item;
    }),
  );
  hide(root, '[data-now-empty]', pages.length > 0);
}

function part(className: string, text = ''): HTMLElement {
  const span = document.createElement('span');
  span.className = className;
  span.textContent = text;
  return span;
}

function text(root: ParentNode, selector: string, value: string): void {
  const element = root.querySelector(selector);
  if (element !== null) element.textContent = value;
}

function hide(root: ParentNode, selector: string, hidden: boolean): void {
  const element = root.querySelector<HTMLElement>(selector);
  if (element !== null) element.hidden = hidden;
}
