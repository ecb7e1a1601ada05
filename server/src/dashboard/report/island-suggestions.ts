/**
 * Suggests the most frequent values below the fields of filter forms, as one types: a combobox with a list.
 * https://www.w3.org/WAI/ARIA/apg/patterns/combobox/
 */
export function suggestions(): void {
  const forms = document.querySelectorAll<HTMLFormElement>('form[data-suggest]');
  if (forms.length === 0) return;
  const list = new Suggestions();
  for (const form of forms) {
    addValueFields(form);
    for (const field of form.querySelectorAll<HTMLInputElement>(FIELD)) asCombobox(field);
    form.addEventListener('input', ({ target }) => {
      if (isField(target)) list.ask(target, { waitMs: TYPING_MS });
    });
    form.addEventListener('click', ({ target }) => {
      const option = target instanceof Element ? target.closest<HTMLElement>('[role=option]') : null;
      if (option !== null) list.choose(option);
      else if (isField(target) && !list.isOpenAt(target)) list.ask(target);
    });
    form.addEventListener('keydown', (event) => {
      if (isField(event.target) && !event.isComposing && list.press(event, event.target)) {
        event.preventDefault();
        // Escape closes only the list, not the menu around it.
        event.stopPropagation();
      }
    });
    form.addEventListener('focusout', () => list.close());
  }
}

const FIELD = 'input[name=text]';
/** How long one must not have typed before the server is asked. */
const TYPING_MS = 200;
/** The fields of the form that say nothing about the list. */
const VALUES = ['text', 'known', 'means'];

const isField = (target: EventTarget | null): target is HTMLInputElement =>
  target instanceof HTMLInputElement && target.matches(FIELD);

function asCombobox(field: HTMLInputElement): void {
  field.role = 'combobox';
  field.ariaAutoComplete = 'list';
  field.ariaExpanded = 'false';
  field.setAttribute('aria-controls', 'suggestions');
}

/** Adds fields by a button instead of spare ones, and one for each line of what is pasted into an empty field. */
function addValueFields(form: HTMLFormElement): void {
  const spares = form.querySelectorAll<HTMLElement>('[data-value=spare]');
  const [spare] = spares;
  const button = form.querySelector<HTMLButtonElement>('[data-add-value]');
  if (spare === undefined || button === null) return;
  for (const each of spares) each.remove();
  const add = (value: string) => {
    const added = document.importNode(spare, true);
    button.before(added);
    const field = added.querySelector<HTMLInputElement>(FIELD);
    if (field === null) return;
    asCombobox(field);
    field.value = value;
    field.focus();
  };
  button.hidden = false;
  button.addEventListener('click', () => add(''));
  form.addEventListener('paste', (event) => {
    const { target, clipboardData } = event;
    const [first, ...others] = (clipboardData?.getData('text') ?? '')
      .split(/[\r\n]+/)
      .filter((line) => line.trim());
    if (!isField(target) || target.value !== '' || first === undefined || others.length === 0) return;
    event.preventDefault();
    target.value = first;
    for (const line of others) add(line);
  });
}

/** The list, which is below one field at a time. */
class Suggestions {
  readonly #popup = document.createElement('div');
  /** Reads out how many suggestions there are. */
  readonly #status = document.createElement('p');
  #field: HTMLInputElement | null = null;
  #active: HTMLElement | null = null;
  #timer: number | undefined;
  #request = new AbortController();

  constructor() {
    this.#popup.className = 'suggestions';
    // A click in the list leaves the focus in the field.
    this.#popup.addEventListener('mousedown', (event) => event.preventDefault());
    this.#status.className = 'visually-hidden';
    this.#status.role = 'status';
    document.body.append(this.#status);
  }

  isOpenAt(field: HTMLInputElement): boolean {
    return this.#field === field && this.#popup.isConnected;
  }

  /** Asks the server for suggestions. @param step which of them is then active: 1 for the first, -1 for the last */
  ask(field: HTMLInputElement, { waitMs = 0, step = 0 } = {}): void {
    this.#stop();
    if (this.#field !== field) this.close();
    this.#field = field;
    this.#activate(null);
    this.#timer = setTimeout(() => void this.#load(field, step), waitMs);
  }

  /** Handles a key. Returns whether it was for the list. */
  press({ key, altKey }: KeyboardEvent, field: HTMLInputElement): boolean {
    const isOpen = this.isOpenAt(field);
    switch (key) {
      case 'ArrowDown':
      case 'ArrowUp':
        if (isOpen && altKey) this.close();
        else if (isOpen) this.#move(key === 'ArrowDown' ? 1 : -1);
        else this.ask(field, { step: altKey ? 0 : key === 'ArrowDown' ? 1 : -1 });
        return true;
      case 'Enter':
        if (this.#active === null) return false;
        this.choose(this.#active);
        return true;
      case 'Escape':
        this.close();
        return isOpen;
      default:
        return false;
    }
  }

  /** Puts a value into the field, with what it means if its text does not say so. */
  choose({ dataset: { text = '', means } }: HTMLElement): void {
    const field = this.#field;
    if (field === null) return;
    field.value = text;
    if (means !== undefined) field.after(hidden('known', text), hidden('means', means));
    this.close();
  }

  close(): void {
    this.#stop();
    this.#popup.remove();
    this.#activate(null);
    if (this.#field !== null) this.#field.ariaExpanded = 'false';
    this.#field = null;
    this.#status.textContent = '';
  }

  #stop(): void {
    clearTimeout(this.#timer);
    this.#request.abort();
  }

  async #load(field: HTMLInputElement, step: number): Promise<void> {
    const { form } = field;
    if (form === null) return;
    this.#request = new AbortController();
    const { signal } = this.#request;
    const url = new URL(form.dataset.suggest ?? '', location.href);
    for (const [name, value] of new FormData(form))
      if (!VALUES.includes(name)) url.searchParams.append(name, String(value));
    url.searchParams.append('search', field.value);
    let found: Element | null = null;
    try {
      const response = await fetch(url, { signal });
      const page = new DOMParser().parseFromString(await response.text(), 'text/html');
      if (response.ok) found = page.querySelector('[data-suggestions]');
    } catch {
      // Without a connection there are no suggestions, and the form works all the same.
    }
    if (signal.aborted) return;
    this.#show(field, found?.children ?? [unavailable()]);
    if (step !== 0) this.#move(step);
  }

  #show(field: HTMLInputElement, content: Iterable<Element>): void {
    this.#popup.replaceChildren(...content);
    field.closest('[data-value]')?.append(this.#popup);
    field.ariaExpanded = String(this.#options.length > 0);
    this.#status.textContent = this.#popup.querySelector('p')?.textContent ?? '';
  }

  get #options(): HTMLElement[] {
    return [...this.#popup.querySelectorAll<HTMLElement>('[role=option]')];
  }

  #move(step: number): void {
    const options = this.#options;
    const at = this.#active === null ? (step > 0 ? -1 : 0) : options.indexOf(this.#active);
    this.#activate(options.at((at + step) % options.length) ?? null);
  }

  #activate(option: HTMLElement | null): void {
    if (this.#active !== null) this.#active.ariaSelected = 'false';
    this.#active = option;
    if (option === null) {
      this.#field?.removeAttribute('aria-activedescendant');
      return;
    }
    option.ariaSelected = 'true';
    option.scrollIntoView({ block: 'nearest' });
    this.#field?.setAttribute('aria-activedescendant', option.id);
  }
}

function hidden(name: string, value: string): HTMLInputElement {
  const field = document.createElement('input');
  Object.assign(field, { type: 'hidden', name, value });
  return field;
}

function unavailable(): HTMLElement {
  const text = document.createElement('p');
  text.className = 'hint';
  text.textContent = 'No suggestions are available now.';
  return text;
}
