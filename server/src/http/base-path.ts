/**
 * The base path: the path of `PUBLIC_URL`, such as `/stats`, for a server that shares its host. Inside, all paths are without it.
 * A request loses it on arrival, unless the proxy has already removed it, and whatever leaves the server gets it.
 */

/** The error for a base path that a route of the server begins with, so that it could not be told from that route. */
export class BasePathTaken extends Error {
  override readonly name = 'BasePathTaken';
}

/** Returns the base path of a public URL without a trailing slash; empty if there is none. */
export function basePathOf(publicUrl: string | null): string {
  return publicUrl === null ? '' : new URL(publicUrl).pathname.replace(/\/$/, '');
}

/** Returns a request's path and query without the base path. Those that do not begin with it are returned unchanged. */
export function withoutBasePath(url: string, basePath: string): string {
  if (basePath === '' || !url.startsWith(basePath)) return url;
  const rest = url.slice(basePath.length);
  if (rest === '' || rest.startsWith('?')) return `/${rest}`;
  return rest.startsWith('/') ? rest : url;
}

/** Returns the URL of a path of this server as browsers need it. A URL with a host is returned unchanged. */
export function withBasePath(url: string, basePath: string): string {
  return /^\/(?!\/)/.test(url) ? `${basePath}${url}` : url;
}

/** Matches the start of each attribute with a path of this server, up to the path. The `data-` ones are read by the islands. */
const LINK =
  / (?:href|src|action|formaction|data-(?:activity|live-check|live-now|site|suggest))="(?=\/(?!\/))/g;

/**
 * Adds the base path to all links of a page, so that none can be forgotten. In rendered HTML, only attributes have bare quotes:
 * text and values have `&quot;`.
 */
export function linksWithBasePath(html: string, basePath: string): string {
  return basePath === '' ? html : html.replace(LINK, (start) => `${start}${basePath}`);
}
