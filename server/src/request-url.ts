/** The two parts of a request's URL. The first question mark parts them; further ones belong to the query. */
export function splitRequestUrl(url: string): { pathname: string; query: URLSearchParams } {
  const [pathname = ''] = url.split('?', 1);
  return { pathname, query: new URLSearchParams(url.slice(pathname.length + 1)) };
}
