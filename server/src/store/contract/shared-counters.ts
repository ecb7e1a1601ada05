/** The count of a key within a time window. */
export interface CounterWindow {
  count: number;
  endsMs: number;
}

/**
 * Counters shared by all servers of an instance. A key is stored only as a hash with the secret salt of the UTC day, so
 * every window restarts at midnight UTC. Times come from the calling process; if the clocks of two processes differ, a
 * window may end early by the difference. Every method may throw `StoreUnavailable`.
 */
export interface SharedCounters {
  /** Adds one to the key's window open at `atMs`; if none is open, to a new one that ends at `endsMs`. @returns the window */
  increment(key: string, atMs: number, endsMs: number): Promise<CounterWindow>;
  /** Removes the key's window. */
  reset(key: string, atMs: number): Promise<void>;
}
