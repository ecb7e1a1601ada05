import { setHidden, setText } from '../kit/island-dom.ts';
/** The live check on the install page. The server sends `LiveMessage` of `live/routes.ts`. */
import { CHECK_TEXT, CHECK_WAIT_MS } from './text.ts';

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
  markThisBrowser(root);
  let waiting = setTimeout(help, CHECK_WAIT_MS, root, CHECK_TEXT.nothing);
  source.addEventListener('message', ({ data }) => {
    const message = JSON.parse(String(data)) as Message;
    clearTimeout(waiting);
    if (message.what === 'script') {
      setHidden(root, '[data-cause="path"]', true);
      waiting = setTimeout(help, CHECK_WAIT_MS, root, CHECK_TEXT.silent(message.host));
    }
    show(root, message);
  });
  source.addEventListener('error', () => {
    if (source.readyState === EventSource.CLOSED) say(root, CHECK_TEXT.closed);
  });
}

function show(root: HTMLElement, message: Message): void {
  const { what, host, path, refusal, month } = message;
  switch (what) {
    case 'script':
      mark(root, 'script', 'ok', CHECK_TEXT.script.loaded(host));
      say(root, CHECK_TEXT.script.state);
      break;
    case 'counted':
      mark(root, 'script', 'ok', null);
      mark(root, 'beacon', 'ok', CHECK_TEXT.from(host, path ?? ''));
      mark(
        root,
        'counted',
        'ok',
        month === null ? CHECK_TEXT.counted.saved : CHECK_TEXT.counted.month(month),
      );
      root.classList.remove('check-refused');
      root.classList.add('check-green');
      setHidden(root, '[data-refusal]', true);
      setHidden(root, '[data-check-done]', false);
      say(root, CHECK_TEXT.counted.state);
      break;
    case 'duplicate':
      mark(root, 'script', 'ok', null);
      mark(root, 'beacon', 'ok', CHECK_TEXT.from(host, path ?? ''));
      say(root, CHECK_TEXT.duplicate.state);
      break;
    case 'bot':
      mark(root, 'beacon', 'ok', CHECK_TEXT.from(host, path ?? ''));
      mark(root, 'counted', 'bad', CHECK_TEXT.bot.counted);
      say(root, CHECK_TEXT.bot.state);
      break;
    case 'refused':
      if (root.classList.contains('check-green')) break;
      mark(root, 'script', 'ok', null);
      mark(root, 'beacon', 'ok', host === '' ? null : CHECK_TEXT.from(host, ''));
      mark(root, 'counted', 'bad', CHECK_TEXT.refused.counted);
      root.classList.add('check-refused');
      if (refusal !== null) explain(root, refusal, host);
      say(root, CHECK_TEXT.refused.state);
      break;
  }
}

/** Lists the likely causes, because neither script nor event arrived for a while. */
function help(root: HTMLElement, sentence: string): void {
  setText(root, '[data-check-silence]', sentence);
  root.querySelector('[data-check-help]')?.setAttribute('open', '');
  say(root, sentence);
}

/** Says which causes hold for this browser, in which owners usually test their page. */
function markThisBrowser(root: HTMLElement): void {
  const { globalPrivacyControl = false, webdriver } = navigator as Navigator & {
    globalPrivacyControl?: boolean;
  };
  setHidden(root, '[data-cause="gpc"] [data-cause-here]', !globalPrivacyControl);
  setHidden(root, '[data-cause="automation"] [data-cause-here]', !webdriver);
}

function explain(root: HTMLElement, refusal: NonNullable<Message['refusal']>, host: string): void {
  setText(root, '[data-refusal-title]', refusal.title);
  setText(root, '[data-refusal-text]', refusal.text);
  setHidden(root, '[data-refusal]', false);
  const form = root.querySelector<HTMLFormElement>('[data-allow]');
  if (form === null) return;
  form.hidden = !refusal.allowable;
  const field = form.elements.namedItem('host');
  if (field instanceof HTMLInputElement) field.value = host;
  setText(form, '[data-allow-button]', CHECK_TEXT.allow(host));
}

/** Marks a step as done or failed. @param detail the new text; null keeps the old one */
function mark(root: HTMLElement, step: string, state: 'ok' | 'bad', detail: string | null): void {
  const item = root.querySelector<HTMLElement>(`[data-step="${step}"]`);
  if (item === null) return;
  if (detail === null && item.dataset.state === state) return;
  item.dataset.state = state;
  setText(item, '[data-step-text]', detail ?? CHECK_TEXT.done);
}

function say(root: HTMLElement, sentence: string): void {
  setText(root, '[data-check-text]', sentence);
  setText(root, '[data-check-said]', sentence);
}
