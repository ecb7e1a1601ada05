/** A versioned schema to which the drivers migrate a database. */
export interface Schema {
  /** The newest version that this program knows. */
  version: number;
  /** Returns the missing migration steps in order, each one or more SQL statements. @param version 0 for an empty database */
  stepsFrom(version: number): readonly string[];
}

/** The schema whose version is the number of its steps. */
export function listed(steps: readonly string[]): Schema {
  return { version: steps.length, stepsFrom: (version) => steps.slice(version) };
}
