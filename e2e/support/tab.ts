/** The seven verbs that every engine understands. Whatever only one engine can do is not here. */
export interface Tab {
  /** Loads an address and waits for the page's `load`. */
  goto(address: string): Promise<void>;
  /** Runs a function in the page and returns what it returns. The function sees nothing but its argument. */
  eval<Result, Argument>(
    run: (argument: Argument) => Result | Promise<Result>,
    argument: Argument,
  ): Promise<Result>;
  eval<Result>(run: () => Result | Promise<Result>): Promise<Result>;
  /** Clicks as a person would, by trusted events. */
  click(selector: string): Promise<void>;
  /** Goes back in history and waits until the address is another. */
  back(): Promise<void>;
  /** Another tab of the same profile. */
  openTab(): Promise<Tab>;
  closeTab(): Promise<void>;
  /** Ends the profile with all its tabs. */
  close(): Promise<void>;
}

/** A running browser. */
export interface Engine {
  /** A tab in a profile of its own: no storage shared with another test's. */
  newTab(): Promise<Tab>;
  close(): Promise<void>;
}

const BACK_TIMEOUT_MS = 15_000;
const BACK_POLL_MS = 50;

/**
 * Back by the page's own history. Drivers wait for a load that never comes when the page is restored from the
 * back/forward cache, so this polls until the address has changed.
 */
export async function goBack(tab: Pick<Tab, 'eval'>): Promise<void> {
  const before = await tab.eval(() => location.href);
  await tab.eval(() => {
    setTimeout(() => history.back());
  });
  const deadline = Date.now() + BACK_TIMEOUT_MS;
  while (Date.now() < deadline) {
    // Asking may fail while the page is being exchanged.
    const now = await tab
      .eval(() => (document.readyState === 'complete' ? location.href : null))
      .catch(() => null);
    if (now !== null && now !== before) return;
    await new Promise((resolve) => setTimeout(resolve, BACK_POLL_MS));
  }
  throw new Error(`Going back from ${before} did not change the address.`);
}
