/** Whether the page was visible at the last check, as 0 or 1; undefined before the first. */
export let visible: number;

/** The time for which the current view was visible and focused, in milliseconds. */
let engaged: number;
/** The bottom edge of the deepest part of the page that was visible, in CSS pixels. */
let bottom: number;
/** The engaged time at which the next `leave` is worth sending, in milliseconds. */
let due: number;
/** When the time that counts began or was last added, on the monotonic clock; false while no time counts. */
let activeSince: number | false;

/**
 * Checks whether the tab is in front and its window is not minimized. A prerendered page is not visible. A page that no server
 * sent never is, for the collector would refuse it: the addresses of `file:`, `data:`, `blob:` and `about:` sort before "ht".
 */
export const isVisible = (): number => {
  // `&` accepts booleans, and its result is 0 or 1.
  visible =
    ((location.href > 'ht') as unknown as number) &
    ((document.visibilityState === 'visible') as unknown as number);
  return visible;
};

/** Adds the time since the last update if the page was visible and focused. */
export const updateEngagedTime = (): void => {
  // The result is NaN until the first view resets it. Adding `false` adds nothing.
  engaged += (activeSince && performance.now() - activeSince) as number;
  activeSince = (visible as unknown as boolean) && document.hasFocus() && performance.now();
};

/**
 * Measures how far down the visitor has scrolled. A new observer reports right after the browser's own layout, when reading the
 * two numbers is free. At any other time, reading them may force a layout.
 * https://drafts.csswg.org/resize-observer/#html-event-loop
 *
 * Each observer reports once. If it stayed, the browser could raise an error in the page ("ResizeObserver loop completed with
 * undelivered notifications") when one of the page's own observers makes the page longer.
 */
export const measureScroll = (): void => {
  // A hidden page has no layout, and observers would pile up.
  if (visible)
    new ResizeObserver((_entries, observer) =>
      // The method takes no argument: this is the shortest way to write two things in one expression.
      // biome-ignore lint/suspicious/noAssignInExpressions: shorter than a block with two statements.
      (observer.disconnect as (bottom: number) => void)((bottom = Math.max(scrollY + innerHeight, bottom))),
    ).observe(document.documentElement);
};

/** Resets engaged time and scroll depth for a new view. */
export const resetEngagement = (): void => {
  due = engaged = bottom = 0;
};

/** Returns whether the view has sent no `leave` yet, or has had three more seconds of engaged time since. */
export const isLeaveDue = (): boolean => engaged >= due;

/** Postpones the next `leave` until there are three more seconds of engaged time. */
export const postponeLeave = (): void => {
  due = engaged + 3000;
};

/**
 * Returns the engaged time in milliseconds, and the scroll depth as a percentage of the page's height at the end of the view.
 * Reading the height is cheap only then, because the page is hidden, or a router has not changed it yet.
 */
export const engagement = (): { engaged: number; scroll: number } => ({
  engaged,
  // Safari can scroll past the end of the page. A page that was never laid out has no height.
  scroll: (100 * bottom) / Math.max(document.documentElement.scrollHeight, bottom, 1),
});
