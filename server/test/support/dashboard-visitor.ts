import { type Answer, ask } from './http.ts';

/** The fields of a form; as a list if a name has several values. */
type Fields = Readonly<Record<string, string>> | readonly [name: string, value: string][];

const isList = (fields: Fields): fields is readonly [string, string][] => Array.isArray(fields);

/** A minimal browser for forms: it keeps cookies, and sends the CSRF token of the last page with every form. */
export class DashboardVisitor {
  /** The address of the server, or the path of its Unix socket. */
  readonly #url: string;
  readonly cookies = new Map<string, string>();
  /** CSRF token of the last page that had one. */
  csrf = '';

  constructor(url: string) {
    this.#url = url;
  }

  get cookieHeader(): string {
    return [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
  }

  async get(path: string, headers: Record<string, string> = {}): Promise<Answer> {
    return this.#keep(await ask(this.#url, { path, headers: { cookie: this.cookieHeader, ...headers } }));
  }

  /** Submits a form as a browser does from one of our own pages. */
  async post(path: string, fields: Fields = {}, headers: Record<string, string> = {}): Promise<Answer> {
    return this.#keep(
      await ask(this.#url, {
        method: 'POST',
        path,
        headers: {
          cookie: this.cookieHeader,
          'content-type': 'application/x-www-form-urlencoded',
          'sec-fetch-site': 'same-origin',
          origin: this.#url.startsWith('/') ? 'http://localhost' : this.#url,
          ...headers,
        },
        body: new URLSearchParams(
          isList(fields) ? [['csrf', this.csrf], ...fields] : { csrf: this.csrf, ...fields },
        ).toString(),
      }),
    );
  }

  async signIn(email: string, password: string): Promise<Answer> {
    await this.get('/login');
    const answer = await this.post('/login', { email, password });
    if (answer.status === 303) await this.get(String(answer.headers.location));
    // This page has a form, whichever page was loaded last.
    await this.get('/dashboard/account');
    return answer;
  }

  #keep(answer: Answer): Answer {
    for (const line of answer.headers['set-cookie'] ?? []) {
      const [pair = ''] = line.split(';');
      const at = pair.indexOf('=');
      if (/max-age=0/i.test(line)) this.cookies.delete(pair.slice(0, at));
      else this.cookies.set(pair.slice(0, at), pair.slice(at + 1));
    }
    const token = /name="csrf" value="([^"]+)"/.exec(answer.text)?.[1];
    if (token !== undefined) this.csrf = token;
    return answer;
  }
}
