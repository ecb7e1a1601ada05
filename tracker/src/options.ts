import type { Options } from '../npm/index.d.ts';
import type { Call, Global } from './types.ts';

/*
 * Stands in the place of tag.ts in the npm package: the same words, from `init`. Nothing here touches the browser, so
 * that the package can be imported on a server.
 */

export let dataset: DOMStringMap = {};
export let key: string | undefined;
export let api: string;
export let automation: string | undefined;
export let gpc: string | undefined;
export let dnt: string | undefined;
export let frames: string | undefined;
export let auto: string | undefined;
export let hash: string | undefined;
export let exclude: string | undefined;
export let query: string | undefined;
export let canonical: string | undefined;
export let transport: string | undefined;
export let debug: string | undefined;
export let outbound: string | undefined;
export let downloads: string | undefined;
export let forms: string | undefined;

export const attractos: Global = {};
export const queue: Call[] = [];

const on = (wanted: boolean | undefined): string | undefined => (wanted ? 'on' : undefined);
const off = (wanted: boolean | undefined): string | undefined => (wanted === false ? 'off' : undefined);

/** Takes the options of `init` over into the words of the tag. */
export const configure = (options: Options): void => {
  ({ key, api, exclude } = options);
  automation = on(options.automation);
  gpc = off(options.gpc);
  dnt = on(options.dnt);
  frames = on(options.frames);
  auto = off(options.auto);
  hash = on(options.hash);
  query = options.query?.join('|');
  canonical = on(options.canonical);
  transport = options.transport === 'fetch' ? 'fetch' : undefined;
  debug = on(options.debug);
  outbound = on(options.outbound);
  downloads = on(options.downloads);
  forms = on(options.forms);
  dataset = Object.fromEntries(
    Object.entries(options.props ?? {}).map(([name, value]) => [`props${name}`, `${value}`]),
  );
  if (options.beforeSend) attractos.beforeSend = options.beforeSend;
};
