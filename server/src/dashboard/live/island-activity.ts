import { setHidden, setText } from '../kit/island-dom.ts';
import { type Now, watchNow } from './island-now.ts';
import { LIVE_TEXT } from './text.ts';

/** The live list of recent activity. The server sends `LiveMessage` of `routes.ts`. */

interface Line {
  what: string;
  kind: string;
  atMs: number;
  time: string;
  title: string;
  detail: string;
}

export function liveActivity(): void {
  const root = document.querySelector<HTMLElement>('[data-activity]');
  const list = root?.querySelector('[data-lines]');
  const { activity: base, since, max } = root?.dataset ?? {};
  if (root === null || list == null || base === undefined) return;
  const state = root.querySelector('[data-live-state]');
  if (state !== null) state.textContent = LIVE_TEXT.updates;
  const source = watchNow(base, since ?? '', (now) => showNow(root, now));
  source.addEventListener('message', ({ data }) => {
    const { line } = JSON.parse(String(data)) as { line: Line };
    list.prepend(itemOf(line));
    while (list.children.length > Number(max)) list.lastElementChild?.remove();
    setHidden(root, '[data-lines-empty]', true);
  });
  source.addEventListener('error', () => {
    if (source.readyState !== EventSource.CLOSED || state === null) return;
    state.textContent = LIVE_TEXT.closed;
  });
}

/** Creates the same markup as `Line` in `view.tsx`. */
function itemOf({ what, kind, atMs, time, title, detail }: Line): HTMLElement {
  const item = document.createElement('li');
  item.dataset.what = what;
  item.classList.add('is-new');
  const clock = document.createElement('time');
  clock.dateTime = new Date(atMs).toISOString();
  clock.textContent = time;
  const said = part('activity-what');
  said.append(part('activity-title', title), part('hint', detail));
  const when = part('hint activity-time');
  when.append(clock);
  item.append(part('activity-kind', kind), said, when);
  return item;
}

function showNow(root: HTMLElement, { visitors, pages }: Now): void {
  setText(root, '[data-now-count]', String(visitors));
  setText(root, '[data-now-word]', LIVE_TEXT.visitors(visitors));
  root.querySelector('[data-now-pages]')?.replaceChildren(
    ...pages.map(({ path, visitors: there }) => {
      const item = document.createElement('li');
      item.append(part('now-path', path), part('number', String(there)));
      return item;
    }),
  );
  setHidden(root, '[data-now-empty]', pages.length > 0);
}

function part(className: string, text = ''): HTMLElement {
  const span = document.createElement('span');
  span.className = className;
  span.textContent = text;
  return span;
}
