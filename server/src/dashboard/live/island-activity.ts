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
  group: string | null;
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
    if (line.group !== null) list.querySelector(`[data-group="${line.group}"]`)?.remove();
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
function itemOf({ what, kind, atMs, time, title, detail, group }: Line): HTMLElement {
  const item = document.createElement('li');
  item.dataset.what = what;
  if (group !== null) item.dataset.group = group;
  item.classList.add('is-new');
  const clock = document.createElement('time');
  clock.dateTime = new Date(atMs).toISOString();
  clock.textContent = time;
  const text = part('activity-what');
  text.append(part('activity-title', title, 'bdi'), part('hint', detail, 'bdi'));
  const when = part('hint activity-time');
  when.append(clock);
  item.append(part('activity-kind', kind), text, when);
  return item;
}

function showNow(root: HTMLElement, { visitors, pages, morePages }: Now): void {
  setText(root, '[data-now-count]', String(visitors));
  setText(root, '[data-now-word]', LIVE_TEXT.visitors(visitors));
  root.querySelector('[data-now-pages]')?.replaceChildren(
    ...pages.map(({ path, visitors: there }) => {
      const item = document.createElement('li');
      item.append(part('now-path', path, 'bdi'), part('number', String(there)));
      return item;
    }),
  );
  setText(root, '[data-now-more] a', LIVE_TEXT.morePages(morePages));
  setHidden(root, '[data-now-more]', morePages === 0);
  setHidden(root, '[data-now-empty]', pages.length > 0);
}

/** Creates a part of a line. `bdi` keeps text that is written from right to left apart from the rest. */
function part(className: string, text = '', name: 'span' | 'bdi' = 'span'): HTMLElement {
  const element = document.createElement(name);
  element.className = className;
  element.textContent = text;
  return element;
}
