/** The two parts of a request's URL. The first question mark parts them; further ones belong to the query. */
export function splitRequestUrl(url: string): { pathname: string; query: string } {
  const end = url.indexOf('?');
  return end === -1
    ? { pathname: url, query: '' }
    : { pathname: url.slice(0, end), query: url.slice(end + 1) };
}
