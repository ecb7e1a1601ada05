/** Splits a request's URL at the first question mark. Further question marks belong to the query. */
export function splitRequestUrl(url: string): { pathname: string; query: string } {
  const end = url.indexOf('?');
  return end === -1
    ? { pathname: url, query: '' }
    : { pathname: url.slice(0, end), query: url.slice(end + 1) };
}
