/** The list on an empty site's page that fills itself in. What the server sends: `LiveMessage` in `pages/live.ts`. */

interface Message {
  what: 'script' | 'counted' | 'duplicate' | 'bot' | 'refused';
  host: string;
  path: string | null;
  name: string | null;
  refusal: { title: string; text: string; allowable: boolean } | null;
  month: number | null;
}

export function liveCheck(): void {
  const root = document.querySelector<HTMLElement>('[data-live-check]');
  const address = root?.dataset.liveCheck;
  if (root === null || address === undefined) return;
  const source = new EventSource(address);
  source.addEventListener('message', ({ data }) => show(root, JSON.parse(String(data)) as Message));
  source.addEventListener('error', () => {
    if (source.readyState === EventSource.CLOSED)
      say(root, 'The connection was closed. Reload the page to listen again.');
  });
}

function show(root: HTMLElement, message: Message): void {
  const { what, host, path, refusal, month } = message;
  switch (what) {
    case 'script':
      mark(root, 'script', 'ok', `Fetched by a page on ${host}.`);
      say(root, 'The script was fetched. Waiting for its beacon.');
      break;
    case 'counted':
      mark(root, 'script', 'ok', null);
      mark(root, 'beacon', 'ok', `From ${host}${path ?? ''}`);
      mark(
        root,
        'counted',
        'ok',
        month === null ? 'On disk.' : `${month} this month, and the API says the same.`,
      );
      root.classList.remove('check-refused');
      root.classList.add('check-green');
      hide(root, '[data-refusal]', true);
      hide(root, '[data-check-done]', false);
      say(root, 'It works: an event was counted.');
      break;
    case 'duplicate':
      mark(root, 'script', 'ok', null);
      mark(root, 'beacon', 'ok', `From ${host}${path ?? ''}`);
      say(root, 'A repeat of an event that was counted before: it counts once.');
      break;
    case 'bot':
      mark(root, 'beacon', 'ok', `From ${host}${path ?? ''}`);
      mark(root, 'counted', 'bad', 'A crawler, by its own word: recorded as a bot visit.');
      say(root, 'A crawler came by. It is recorded, and not counted as an event.');
      break;
    case 'refused':
      if (root.classList.contains('check-green')) break;
      mark(root, 'script', 'ok', null);
      mark(root, 'beacon', 'ok', host === '' ? null : `From ${host}`);
      mark(root, 'counted', 'bad', 'Refused: see below.');
      root.classList.add('check-refused');
      if (refusal !== null) explain(root, refusal, host);
      say(root, 'A beacon arrived and was not counted.');
      break;
  }
}

function explain(root: HTMLElement, refusal: NonNullable<Message['refusal']>, host: string): void {
  text(root, '[data-refusal-title]', refusal.title);
  text(root, '[data-refusal-text]', refusal.text);
  hide(root, '[data-refusal]', false);
  const form = root.querySelector<HTMLFormElement>('[data-allow]');
  if (form === null) return;
  form.hidden = !refusal.allowable;
  const field = form.elements.namedItem('host');
  if (field instanceof HTMLInputElement) field.value = host;
  text(form, '[data-allow-button]', `Allow ${host}`);
}

/** @param detail null leaves what is said */
function mark(root: HTMLElement, step: string, state: 'ok' | 'bad', detail: string | null): void {
  const item = root.querySelector<HTMLElement>(`[data-step="${step}"]`);
  if (item === null) return;
  if (detail === null && item.dataset.state === state) return;
  item.dataset.state = state;
  text(item, '[data-step-text]', detail ?? 'Yes.');
}

function say(root: HTMLElement, sentence: string): void {
  text(root, '[data-check-text]', sentence);
  text(root, '[data-check-said]', sentence);
}

function text(root: ParentNode, selector: string, value: string): void {
  const element = root.querySelector(selector);
  if (element !== null) element.textContent = value;
}

function hide(root: ParentNode, selector: string, hidden: boolean): void {
  const element = root.querySelector<HTMLElement>(selector);
  if (element !== null) element.hidden = hidden;
}
