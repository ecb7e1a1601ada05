/** The current visitors, refreshed as events are counted. */

/** The shortest time between two requests. */
const PAUSE_MS = 1500;
/** The longest time between two requests. It is needed because visitors who leave send nothing. */
const IDLE_MS = 30_000;

export interface Now {
  visitors: number;
  pages: { path: string; visitors: number }[];
  /** The number of pages that are not in `pages`. */
  morePages: number;
}

/**
 * Shows the current visitors, and requests them again as events are counted.
 *
 * @param base the path of the site's pages
 * @param since the id of the last known message; empty to start with new messages
 * @returns the stream of live events
 */
export function watchNow(base: string, since: string, show: (now: Now) => void): EventSource {
  let waiting = false;
  const ask = async () => {
    waiting = false;
    const answer = await fetch(`${base}/now`).catch(() => null);
    if (answer?.ok === true) show((await answer.json()) as Now);
  };
  const soon = () => {
    if (waiting || document.hidden) return;
    waiting = true;
    setTimeout(ask, PAUSE_MS);
  };
  const source = new EventSource(`${base}/live${since === '' ? '' : `?after=${since}`}`);
  source.addEventListener('message', soon);
  document.addEventListener('visibilitychange', soon);
  setInterval(soon, IDLE_MS);
  return source;
}
