import { watchNow } from './now.ts';

/** The number of visitors online, moving as events are counted. */
export function liveNow(): void {
  const root = document.querySelector<HTMLElement>('[data-live-now]');
  const count = root?.querySelector('[data-live-count]');
  const base = root?.dataset.liveNow;
  if (count == null || base === undefined || base === '') return;
  watchNow(base, '', ({ visitors }) => {
    count.textContent = String(visitors);
  });
}
