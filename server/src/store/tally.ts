/** What somebody tried within a window of time. */
export interface AttemptWindow {
  attempts: number;
  endsMs: number;
}

/**
 * Counts attempts for all processes of an installation together. No name is kept: only a hash of it, with the secret salt of
 * the UTC day, so windows begin anew at midnight UTC. Times are of the process that asks; where the clocks of two differ,
 * a window may end by so much early. Every method may throw `StoreUnavailable`.
 */
export interface Tally {
  /** Counts one in the window that is open for a name at `atMs`, else in one that ends at `endsMs`. @returns the window */
  add(name: string, atMs: number, endsMs: number): Promise<AttemptWindow>;
  forget(name: string, atMs: number): Promise<void>;
}
