/** Shows the copy buttons, which need JavaScript, and makes them work. */
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
    // Over plain HTTP, or without permission, select the text so that the user can copy it.
    getSelection()?.selectAllChildren(source);
    return false;
  }
}
