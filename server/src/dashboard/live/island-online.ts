import { watchNow } from './island-now.ts';

/** Updates the number of visitors online as events are counted. */
export function liveNow(): void {
  const root = document.querySelector<HTMLElement>('[data-live-now]');
  const count = root?.querySelector('[data-live-count]');
  const base = root?.dataset.liveNow;
  if (count == null || base === undefined || base === '') return;
  watchNow(base, '', ({ visitors }) => {
    count.textContent = String(visitors);
  });
}
