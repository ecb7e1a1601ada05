import { visible } from './visibility.ts';

/** Visible and focused time of the current view, in milliseconds. */
let engaged: number;
let last: number;
let active: number;
/** Bottom edge of the deepest screen seen, in CSS pixels. */
let bottom: number;
/** How much attention it takes until there is something to say about the view. */
let due: number;

/**
 * Adds the time since the last call if the page had the visitor's attention in it, and notes whether it has now: in
 * sight, and with the focus. The clock is monotonic.
 */
export const tick = (): void => {
  // Not a number until the first view restarts it. Subtracting the old time and adding the new is a word shorter.
  // biome-ignore lint/suspicious/noAssignInExpressions: reads the clock and remembers it in one go; bytes.
  engaged -= active * (last - (last = performance.now()));
  // A boolean, which multiplies as 0 or 1.
  active = (visible && document.hasFocus()) as unknown as number;
};

/**
 * Notes how far down the visitor has been. An observer that begins to observe reports right after the browser's own
 * layout: the one moment when these two numbers cost nothing. Read at any other time they may force a layout.
 * https://drafts.csswg.org/resize-observer/#html-event-loop
 * It reports once. Where what the page's own observers do makes the page longer, one of the whole page that stayed would have
 * the browser tell the page of an error: "ResizeObserver loop completed with undelivered notifications".
 */
export const measure = (): void => {
  // Out of sight nothing is laid out, and observers would pile up.
  if (visible)
    new ResizeObserver((_entries, observer) => {
      bottom = Math.max(scrollY + innerHeight, bottom);
      observer.disconnect();
    }).observe(document.documentElement);
};

/** Begins to count for a new view. */
export const restart = (): void => {
  due = bottom = engaged = 0;
};

/** Nothing was said about this view yet, or there have been three more seconds of attention since. */
export const isDue = (): boolean => engaged >= due;

/** What was said need not be said again soon. */
export const postpone = (): void => {
  due = engaged + 3000;
};

/**
 * What there is to say: milliseconds, and per cent of the page as it is at the end, with all that came late. The height is
 * asked for only here: the page is out of sight, or a router has not yet touched it.
 */
export const summary = (): { engaged: number; scroll: number } => ({
  engaged,
  // Safari's rubber band goes past the end of the page. What was never laid out has no height.
  scroll: (100 * bottom) / Math.max(document.documentElement.scrollHeight, bottom, 1),
});
