/** Addresses of the database servers beyond one machine. They may contain passwords: never log or return them. */
export interface Databases {
  postgres: string;
  /** The addresses of all replicas, separated by commas. */
  clickhouse: string;
}
