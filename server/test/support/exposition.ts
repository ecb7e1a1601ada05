/** Prometheus' text format as a test reads it: https://prometheus.io/docs/instrumenting/exposition_formats/ */
export interface Exposed {
  /** Type by name of the metric. */
  types: Map<string, string>;
  /** Value by series, written as `name{label="value",…}`. */
  series: Map<string, number>;
}

/** Throws where a line is none of the format. */
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

/** The series of a metric: those named like it, of a histogram also its buckets, sum and count. */
export function seriesOf({ series }: Exposed, name: string): Map<string, number> {
  return new Map([...series].filter(([key]) => key.split('{')[0] === name));
}

/** The value of a series. Throws where there is none. */
export function shownAs({ series }: Exposed, key: string): number {
  const value = series.get(key);
  if (value === undefined)
    throw new Error(`there is no series ${key}; there are: ${[...series.keys()].join(' ')}`);
  return value;
}
