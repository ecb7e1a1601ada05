/** Limits of journeys: what visits viewed before and after a page. */

/** How many pages before and after the page are counted. */
export const JOURNEY_STEPS = 3;
/** The longest path of a page that a journey can be asked for. */
export const JOURNEY_PAGE_MAX_CHARS = 500;
