/** The two parts of a request's URL, the second read when it is asked for. The first question mark parts them. */
export function splitRequestUrl(url: string): { pathname: string; readonly query: URLSearchParams } {
  const end = url.indexOf('?');
  const pathname = end === -1 ? url : url.slice(0, end);
  return {
    pathname,
    get query() {
      return new URLSearchParams(url.slice(pathname.length + 1));
    },
  };
}
