import type { Options } from '../npm/index.d.ts';
import type { Settings } from './tag.ts';
import type { Fields, Global } from './types.ts';

/*
 * Replaces tag.ts in the npm package: it exports the same names, and `init` sets them. Nothing here touches the browser,
 * so the package can be imported on a server.
 */

export let key: string;
export let api: string;
export let dataset: DOMStringMap & Settings = {};

export const attractos: Global = {};
export const queue: Fields[] = [];

/** Returns the attribute value for an option that is off by default. */
const on = (wanted: boolean | undefined): string | undefined => (wanted ? 'on' : undefined);
/** Returns the attribute value for an option that is on by default. */
const off = (wanted: boolean | undefined): string | undefined => (wanted === false ? 'off' : undefined);

/** Translates the options of `init` into the attributes of the tag. */
export const configure = (options: Options): void => {
  ({ key, api } = options);
  const { downloads } = options;
  // Attributes are texts, in which `null` and `undefined` would be values.
  const props = Object.entries(options.props ?? {}).flatMap(([name, value]) =>
    value == null ? [] : [[`props${name}`, `${value}`]],
  );
  dataset = {
    ...Object.fromEntries(props),
    automation: on(options.automation),
    gpc: off(options.gpc),
    dnt: on(options.dnt),
    frames: on(options.frames),
    auto: off(options.auto),
    hash: on(options.hash),
    exclude: options.exclude,
    query: options.query?.join('|'),
    canonical: on(options.canonical),
    transport: options.transport === 'fetch' ? 'fetch' : undefined,
    debug: on(options.debug),
    outbound: on(options.outbound),
    downloads: typeof downloads === 'object' ? downloads.join() || undefined : on(downloads),
    forms: on(options.forms),
  };
  if (options.beforeSend) attractos.beforeSend = options.beforeSend;
};
