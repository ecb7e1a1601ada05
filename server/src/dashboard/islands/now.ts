/** Who is there now, asked for again as events are counted. */

/** At most one question in this time. */
const PAUSE_MS = 1500;
/** Visitors who leave send nothing: asked for anyway this often. */
const IDLE_MS = 30_000;

export interface Now {
  visitors: number;
  pages: { path: string; visitors: number }[];
}

/**
 * @param base address of the site's pages
 * @param since id of the last message that is known already; empty where it does not matter
 * @returns the stream of what happens
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
