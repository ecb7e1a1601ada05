/** The operations that every engine supports. Those that only one engine supports are not here. */
export interface Tab {
  /** Loads a URL and waits for the page's `load` event. */
  goto(address: string): Promise<void>;
  /** Runs a function in the page and returns its result. The function can use only its argument. */
  eval<Result, Argument>(
    run: (argument: Argument) => Result | Promise<Result>,
    argument: Argument,
  ): Promise<Result>;
  eval<Result>(run: () => Result | Promise<Result>): Promise<Result>;
  /** Clicks as a person would, with trusted events. */
  click(selector: string): Promise<void>;
  /** Goes back in history and waits until the URL has changed. */
  back(): Promise<void>;
  /** Opens another tab of the same profile. */
  openTab(): Promise<Tab>;
  closeTab(): Promise<void>;
  /** Closes the profile with all its tabs. */
  close(): Promise<void>;
}

/** A running browser. */
export interface Engine {
  /** Opens a tab in its own profile, which shares no storage with other tests. */
  newTab(): Promise<Tab>;
  close(): Promise<void>;
}

const BACK_TIMEOUT_MS = 30_000;
const BACK_POLL_MS = 50;
/** The longest wait for one check of the address: WebKit's driver never responds if the page is replaced meanwhile. */
const BACK_LOOK_MS = 2_000;

/**
 * Goes back through the page's own history. Drivers wait for a load that never comes if the page is restored from the
 * back/forward cache, so this polls until the address has changed.
 */
export async function goBack(tab: Pick<Tab, 'eval'>): Promise<void> {
  const before = await tab.eval(() => location.href);
  await tab.eval(() => {
    setTimeout(() => history.back());
  });
  const deadline = Date.now() + BACK_TIMEOUT_MS;
  while (Date.now() < deadline) {
    // The call may fail while the page is being replaced.
    const now = await Promise.race([
      tab.eval(() => (document.readyState === 'complete' ? location.href : null)).catch(() => null),
      new Promise<null>((resolve) => setTimeout(resolve, BACK_LOOK_MS, null)),
    ]);
    if (now !== null && now !== before) return;
    await new Promise((resolve) => setTimeout(resolve, BACK_POLL_MS));
  }
  throw new Error(`Going back from ${before} did not change the address.`);
}
