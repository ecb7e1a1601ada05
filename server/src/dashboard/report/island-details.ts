import { copyButtons } from '../kit/island-copy.ts';

/**
 * Opens tables with all rows in a dialog over the report, under their own address, and adds further rows in place. What cannot be
 * loaded is opened as the page that it is.
 */
export function details(): void {
  const isPage = document.querySelector('main [data-details-view]') !== null;
  document.addEventListener('click', (event) => {
    const link = event.target instanceof Element ? event.target.closest('a') : null;
    if (link === null || !isPlain(event)) return;
    const { dataset } = link;
    if (dataset.detailsMore !== undefined) {
      event.preventDefault();
      void addRows(link);
    } else if (dataset.details !== undefined && !isPage) {
      event.preventDefault();
      void open(link.href);
    }
  });
  if (isPage) {
    // After a reload, the addresses of the report and of its dialog share this page.
    addEventListener('popstate', () => location.reload());
    return;
  }
  document.addEventListener('submit', (event) => {
    const form = event.target;
    if (!(form instanceof HTMLFormElement) || form.dataset.details === undefined) return;
    event.preventDefault();
    const url = new URL(form.action);
    for (const [name, value] of new FormData(form)) url.searchParams.append(name, String(value));
    void open(url.href);
  });
  addEventListener('popstate', () => {
    if (isDetails(history.state)) void open(location.href);
    else document.querySelector<HTMLDialogElement>(`.${DIALOG}`)?.close();
  });
}

const DIALOG = 'details-dialog';

/** What the history says of an address that a dialog shows. */
const STATE = { details: true };
const isDetails = (state: unknown) => typeof state === 'object' && state !== null && 'details' in state;

/** Whether a click follows its link in this tab. */
function isPlain(event: MouseEvent): boolean {
  return (
    event.button === 0 &&
    !event.defaultPrevented &&
    !(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey)
  );
}

/** Shows the table of an address in the dialog. Another table takes its place, so that one step back closes the dialog. */
async function open(href: string): Promise<void> {
  const view = await load(href);
  if (view === null) return;
  const dialog = document.querySelector<HTMLDialogElement>(`.${DIALOG}`) ?? newDialog();
  const focused = dialog.open ? (document.activeElement?.id ?? '') : '';
  dialog.querySelector('[data-details-view]')?.remove();
  dialog.firstElementChild?.append(view);
  copyButtons(view);
  if (isDetails(history.state)) history.replaceState(STATE, '', href);
  else history.pushState(STATE, '', href);
  if (!dialog.open) dialog.showModal();
  const heading = view.querySelector<HTMLElement>('h2');
  (focused === ''
    ? heading
    : (view.querySelector<HTMLElement>(`#${CSS.escape(focused)}`) ?? heading)
  )?.focus();
  dialog.scrollTop = 0;
}

function newDialog(): HTMLDialogElement {
  const dialog = document.createElement('dialog');
  dialog.className = DIALOG;
  dialog.setAttribute('aria-labelledby', 'details-title');
  const close = document.createElement('button');
  close.type = 'button';
  close.className = 'small';
  close.textContent = 'Close';
  close.addEventListener('click', () => dialog.close());
  // The target of a click outside the content is the dialog itself.
  dialog.addEventListener('click', ({ target }) => {
    if (target === dialog) dialog.close();
  });
  dialog.addEventListener('close', () => {
    if (isDetails(history.state)) history.back();
  });
  const head = document.createElement('p');
  head.className = 'details-close';
  head.append(close);
  const body = document.createElement('div');
  body.append(head);
  dialog.append(body);
  document.body.append(dialog);
  return dialog;
}

/** Adds the rows of the next page below those that are shown. */
async function addRows(link: HTMLAnchorElement): Promise<void> {
  if (link.ariaBusy === 'true') return;
  link.ariaBusy = 'true';
  const shown = link.closest('[data-details-view]');
  const body = shown?.querySelector('tbody');
  const more = await load(link.href);
  link.ariaBusy = null;
  if (shown == null || body == null || more === null) return;
  const rows = [...more.querySelectorAll('tbody tr')];
  body.append(...rows);
  const count = shown.querySelector('[data-details-count]');
  if (count !== null) count.textContent = String(body.rows.length);
  const next = more.querySelector<HTMLAnchorElement>('[data-details-more]');
  if (next === null) link.remove();
  else link.href = next.href;
  rows[0]?.querySelector('a')?.focus();
}

/** Loads a table from its page. Opens the page, and returns null, if it has none: the session may have ended. */
async function load(href: string): Promise<HTMLElement | null> {
  try {
    const response = await fetch(href);
    const page = new DOMParser().parseFromString(await response.text(), 'text/html');
    const view = page.querySelector<HTMLElement>('main [data-details-view]');
    if (response.ok && view !== null) return document.adoptNode(view);
  } catch {
    // Without a connection, the browser says so.
  }
  location.assign(href);
  return null;
}
