/** Metrics parsed from Prometheus' text format: https://prometheus.io/docs/instrumenting/exposition_formats/ */
export interface Exposed {
  /** Metric types by metric name. */
  types: Map<string, string>;
  /** Values by series, written as `name{label="value",…}`. */
  series: Map<string, number>;
}

/** Parses the text format. Throws if a line does not match it. */
export function readExposition(text: string): Exposed {
  const types = new Map<string, string>();
  const series = new Map<string, number>();
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('# HELP ')) continue;
    const type = /^# TYPE (\S+) (counter|gauge|histogram|summary)$/.exec(line);
    const sample = /^([a-z_:][\w:]*(?:\{[^}]*\})?) (\S+)$/i.exec(line);
    if (type?.[1] !== undefined && type[2] !== undefined) types.set(type[1], type[2]);
    else if (sample?.[1] !== undefined) series.set(sample[1], Number(sample[2]));
    else throw new Error(`not a line of Prometheus' text format: ${line}`);
  }
  return { types, series };
}

/** Returns the series of a metric; for a histogram, also its buckets, sum and count. */
export function seriesOf({ series }: Exposed, name: string): Map<string, number> {
  return new Map([...series].filter(([key]) => key.split('{')[0] === name));
}

/** Returns the value of a series. Throws if there is none. */
export function shownAs({ series }: Exposed, key: string): number {
  const value = series.get(key);
  if (value === undefined)
    throw new Error(`there is no series ${key}; there are: ${[...series.keys()].join(' ')}`);
  return value;
}
