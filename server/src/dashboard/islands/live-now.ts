/** The number of visitors online, moving as events are counted. */

/** At most one question in this time. */
const PAUSE_MS = 1500;
/** Visitors who leave send nothing: asked for anyway this often. */
const IDLE_MS = 30_000;

export function liveNow(): void {
  const root = document.querySelector<HTMLElement>('[data-live-now]');
  const count = root?.querySelector('[data-live-count]');
  const base = root?.dataset.liveNow;
  if (root == null || count == null || base === undefined || base === '') return;
  let waiting = false;
  const ask = async () => {
    waiting = false;
    const answer = await fetch(`${base}/now`).catch(() => null);
    if (answer?.ok !== true) return;
    const { visitors } = (await answer.json()) as { visitors: number };
    count.textContent = String(visitors);
  };
  const soon = () => {
    if (waiting || document.hidden) return;
    waiting = true;
    setTimeout(ask, PAUSE_MS);
  };
  new EventSource(`${base}/live`).addEventListener('message', soon);
  setInterval(soon, IDLE_MS);
}
