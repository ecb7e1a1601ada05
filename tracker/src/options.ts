import type { Options } from '../npm/index.d.ts';
import type { Settings } from './settings.ts';
import type { Fields, Global } from './types.ts';

/*
 * Stands in the place of tag.ts in the npm package: the same words, from `init`. Nothing here touches the browser, so
 * that the package can be imported on a server.
 */

export let key: string;
export let api: string;
export let dataset: DOMStringMap & Settings = {};

export const attractos: Global = {};
export const queue: Fields[] = [];

/** What `true`, or `false`, is in the words of the tag, where it is not the default anyway. */
const on = (wanted: boolean | undefined): string | undefined => (wanted ? 'on' : undefined);
const off = (wanted: boolean | undefined): string | undefined => (wanted === false ? 'off' : undefined);

/** Takes the options of `init` over into the words of the tag. */
export const configure = (options: Options): void => {
  ({ key, api } = options);
  const props = Object.entries(options.props ?? {}).map(([name, value]) => [`props${name}`, `${value}`]);
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
    downloads: on(options.downloads),
    forms: on(options.forms),
  };
  if (options.beforeSend) attractos.beforeSend = options.beforeSend;
};
