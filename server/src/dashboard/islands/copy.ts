/** Buttons that copy the text of another element. Shown here, since without script they could do nothing. */
export function copyButtons(): void {
  for (const button of document.querySelectorAll<HTMLButtonElement>('[data-copy]')) {
    const source = document.getElementById(button.dataset.copy ?? '');
    if (source === null) continue;
    button.hidden = false;
    const label = button.firstChild;
    button.addEventListener('click', async () => {
      const done = await copy(source);
      if (label === null) return;
      label.textContent = done ? 'Copied' : 'Press Ctrl+C';
      setTimeout(() => {
        label.textContent = 'Copy';
      }, 2000);
    });
  }
}

async function copy(source: HTMLElement): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(source.textContent ?? '');
    return true;
  } catch {
    // Plain http, or not allowed: select it, so that the person can.
    getSelection()?.selectAllChildren(source);
    return false;
  }
}
