/** Addresses of a report: the same one with something changed. */
export class Links {
  /** Path of the page. */
  readonly base: string;
  readonly #query: URLSearchParams;

  constructor(base: string, query: URLSearchParams) {
    this.base = base;
    this.#query = new URLSearchParams([...query].filter(([name]) => KNOWN.includes(name)));
  }

  /** Null takes a parameter away. */
  with(changes: Readonly<Record<string, string | null>>, suffix = '', anchor = ''): string {
    const query = new URLSearchParams(this.#query);
    for (const [name, value] of Object.entries(changes)) {
      if (value === null) query.delete(name);
      else query.set(name, value);
    }
    return this.#address(query, suffix, anchor);
  }

  withFilter(chip: string): string {
    const query = new URLSearchParams(this.#query);
    if (!query.has('f', chip)) query.append('f', chip);
    return this.#address(query);
  }

  withoutFilter(chip: string): string {
    const query = new URLSearchParams(this.#query);
    query.delete('f', chip);
    return this.#address(query);
  }

  /** The same filter turned round. */
  withTurned(chip: string, turned: string): string {
    const query = new URLSearchParams(this.#query);
    query.delete('f', chip);
    if (!query.has('f', turned)) query.append('f', turned);
    return this.#address(query);
  }

  /** What a form must carry along besides its own fields. */
  hidden(except: readonly string[]): [string, string][] {
    return [...this.#query].filter(([name]) => !except.includes(name));
  }

  #address(query: URLSearchParams, suffix = '', anchor = ''): string {
    const text = query.toString();
    return `${this.base}${suffix}${text === '' ? '' : `?${text}`}${anchor}`;
  }
}

const KNOWN = [
  'range',
  'from',
  'to',
  'compare',
  'metric',
  'f',
  'pages',
  'sources',
  'devices',
  'events',
  'by',
];
