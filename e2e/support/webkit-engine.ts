import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { freePort } from '../../server/test/support/free-port.ts';
import { programPath } from './browsers.ts';
import { type Engine, goBack, type Tab } from './tab.ts';

/** WebKitGTK, driven by plain WebDriver requests: https://www.w3.org/TR/webdriver2/ */

/** Timeout of each request, because without a display the driver never answers a request for a session. */
const REQUEST_TIMEOUT_MS = 60_000;
const START_TIMEOUT_MS = 60_000;
const POLL_MS = 50;
/** The name under which WebDriver wraps a reference to an element. */
const ELEMENT = 'element-6066-11e4-a52e-4f735466cecf';

/** Starts one display, driver and session for the tabs of all tests. Tests share no hosts, and so no storage. */
export async function launchWebKit(proxyPort: number): Promise<Engine> {
  const children: ChildProcess[] = [];
  const endWithUs = () => {
    for (const child of children) child.kill('SIGKILL');
  };
  process.once('exit', endWithUs);

  const xvfb = spawn(
    programPath('xvfb'),
    ['-displayfd', '3', '-screen', '0', '1280x800x24', '-nolisten', 'tcp'],
    { stdio: ['ignore', 'ignore', 'ignore', 'pipe'] },
  );
  children.push(xvfb);
  const display = await displayNumber(xvfb);

  const port = await freePort();
  const driver = spawn(programPath('webkit'), ['-p', String(port)], {
    stdio: 'ignore',
    env: { ...process.env, DISPLAY: `:${display}`, LANG: 'C.UTF-8' },
  });
  children.push(driver);
  const address = `http://127.0.0.1:${port}`;
  await answering(address);

  const { sessionId } = await ask<{ sessionId: string }>(`${address}/session`, 'POST', {
    capabilities: {
      alwaysMatch: {
        acceptInsecureCerts: true,
        proxy: { proxyType: 'manual', httpProxy: `127.0.0.1:${proxyPort}` },
      },
    },
  });
  const session = await Session.of(`${address}/session/${sessionId}`);
  return {
    newTab: async () => toTab(session, await session.newWindow(), []),
    async close() {
      await session.end().catch(() => undefined);
      process.off('exit', endWithUs);
      for (const child of children.reverse()) {
        const gone = once(child, 'exit');
        if (child.kill()) await gone;
      }
    },
  };
}

/** A session whose commands go to one window at a time. */
class Session {
  readonly #address: string;
  /** The session's first window. It stays open, because commands need a window. */
  readonly #first: string;
  #current: string;

  private constructor(address: string, first: string) {
    this.#address = address;
    this.#first = first;
    this.#current = first;
  }

  static async of(address: string): Promise<Session> {
    return new Session(address, await ask<string>(`${address}/window`, 'GET'));
  }

  /** Opens a window, because a tab would open in the background. */
  async newWindow(): Promise<string> {
    const { handle } = await this.tell<{ handle: string }>(this.#first, 'POST', '/window/new', {
      type: 'window',
    });
    return handle;
  }

  /** Sends a command to a window. */
  async tell<Answer>(window: string, method: string, path: string, body?: object): Promise<Answer> {
    if (this.#current !== window) {
      await this.#ask('POST', '/window', { handle: window });
      this.#current = window;
    }
    return this.#ask<Answer>(method, path, body);
  }

  end(): Promise<void> {
    return this.#ask('DELETE', '');
  }

  #ask<Answer>(method: string, path: string, body?: object): Promise<Answer> {
    return ask<Answer>(this.#address + path, method, body);
  }
}

/** @param windows the windows of the profile, to which this tab adds its own */
function toTab(session: Session, window: string, windows: string[]): Tab {
  windows.push(window);
  const tell = <Answer>(method: string, path: string, body?: object) =>
    session.tell<Answer>(window, method, path, body);
  const tab: Tab = {
    goto: (url) => tell('POST', '/url', { url }),
    // A plain body without `eval`, which a page's policy could refuse.
    eval: ((run: (argument: unknown) => unknown, argument: unknown) =>
      tell('POST', '/execute/sync', {
        script: `return (${run.toString()})(arguments[0]);`,
        args: [argument ?? null],
      })) as Tab['eval'], // one implementation for the two ways to call it
    async click(selector) {
      const element = await tell<Record<string, string>>('POST', '/element', {
        using: 'css selector',
        value: selector,
      });
      await tell('POST', `/element/${element[ELEMENT]}/click`, {});
    },
    back: () => goBack(tab),
    openTab: async () => toTab(session, await session.newWindow(), windows),
    async closeTab() {
      windows.splice(windows.indexOf(window), 1);
      await tell('DELETE', '/window');
    },
    async close() {
      for (const each of windows.splice(0))
        await session.tell(each, 'DELETE', '/window').catch(() => undefined);
    },
  };
  return tab;
}

async function ask<Answer>(address: string, method: string, body: object = {}): Promise<Answer> {
  const response = await fetch(address, {
    method,
    ...(method === 'POST' && { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
  });
  const { value } = (await response.json()) as { value: Answer & { error?: string; message?: string } }; // as in the standard
  if (!response.ok) throw new Error(`WebKit: ${value.error}: ${value.message}`);
  return value;
}

async function answering(address: string): Promise<void> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (Date.now() < deadline) {
    const ready = await fetch(`${address}/status`).then(
      ({ ok }) => ok,
      () => false,
    );
    if (ready) return;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  throw new Error(`The driver of WebKit did not answer within ${START_TIMEOUT_MS} ms.`);
}

async function displayNumber(xvfb: ChildProcess): Promise<string> {
  const output = xvfb.stdio[3] as Readable; // opened as a pipe above
  const [text] = (await once(output, 'data', { signal: AbortSignal.timeout(START_TIMEOUT_MS) })) as [Buffer];
  return text.toString().trim();
}
