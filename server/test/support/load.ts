import { type Answer, ask, keepAlive } from './http.ts';
import { pageHeaders } from './world.ts';

const CONNECTIONS = 16;
/** One in this many requests is a batch. */
const BATCH_EVERY = 7;
const BATCH_SIZE = 5;

/**
 * Simulated pages that send events as fast as the server responds. Each event has a unique id, which is also in its URL, so
 * that it can be found among the stored events.
 */
export class Load {
  readonly #siteKey: string;
  readonly acknowledged = new Set<string>();
  /** Ids of events that were sent and have no response yet, or never got one. */
  readonly unanswered = new Set<string>();
  /** Responses that no page should get, and repeats of acknowledged events that were not recognized. */
  readonly wrong: string[] = [];
  #sent = 0;

  constructor(siteKey: string) {
    this.#siteKey = siteKey;
  }

  static pathOf(id: string): string {
    return `/page/${id}`;
  }

  /** Sends new events until it is stopped or the server is gone. */
  start(url: string): { stop(): Promise<void> } {
    let stopped = false;
    const agent = keepAlive(CONNECTIONS);
    const connection = async () => {
      while (!stopped) {
        const ids = Array.from(
          { length: this.#sent % BATCH_EVERY === 0 ? BATCH_SIZE : 1 },
          () => `e${this.#sent++}`,
        );
        if (!(await this.#deliver(url, ids, agent))) return;
      }
    };
    const done = Promise.all(Array.from({ length: CONNECTIONS }, connection)).then(() => agent.destroy());
    return {
      stop() {
        stopped = true;
        return done;
      },
    };
  }

  /** Sends some events again, as pages and browsers do if they got no response. */
  async again(url: string, ids: readonly string[]): Promise<void> {
    const agent = keepAlive(CONNECTIONS);
    const left = [...ids];
    const connection = async () => {
      for (let id = left.pop(); id !== undefined; id = left.pop()) await this.#deliver(url, [id], agent);
    };
    await Promise.all(Array.from({ length: CONNECTIONS }, connection));
    agent.destroy();
  }

  /** @returns whether there was a response */
  async #deliver(url: string, ids: readonly string[], agent: ReturnType<typeof keepAlive>): Promise<boolean> {
    const known = new Set(ids.filter((id) => this.acknowledged.has(id)));
    for (const id of ids) if (!known.has(id)) this.unanswered.add(id);
    const beacons = ids.map((id) => ({
      key: this.#siteKey,
      id,
      url: `https://example.com${Load.pathOf(id)}`,
    }));
    let answer: Answer;
    try {
      answer = await ask(url, {
        method: 'POST',
        path: '/e',
        headers: pageHeaders(),
        body: JSON.stringify(beacons.length === 1 ? beacons[0] : beacons),
        agent,
      });
    } catch {
      return false; // cut off, so it is unknown whether they were stored
    }
    this.#note(ids, known, answer);
    return true;
  }

  #note(ids: readonly string[], known: ReadonlySet<string>, { status, headers, text }: Answer): void {
    if (status === 503 && /^\{"error":"[^"]+","code":"UNAVAILABLE","retry_after":\d+\}$/.test(text)) return;
    const outcomes = String(headers['x-attractos-outcome']).split(', ');
    const good =
      status === 202 &&
      outcomes.length === ids.length &&
      outcomes.every((o) => /^(stored|duplicate)$/.test(o));
    if (!good) {
      this.wrong.push(`${status} ${outcomes} ${text}`);
      return;
    }
    for (const [i, id] of ids.entries()) {
      if (known.has(id) && outcomes[i] === 'stored')
        this.wrong.push(`${id} was acknowledged before and stored again`);
      this.unanswered.delete(id);
      this.acknowledged.add(id);
    }
  }
}
