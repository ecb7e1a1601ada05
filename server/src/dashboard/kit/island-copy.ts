/** Shows the copy buttons, which need JavaScript, and makes them work. */
export function copyButtons(root: ParentNode = document): void {
  for (const button of root.querySelectorAll<HTMLButtonElement>('[data-copy]')) {
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
    await navigator.clipboard.writeText(textOf(source));
    return true;
  } catch {
    // Over plain HTTP, or without permission, select the text so that the user can copy it.
    getSelection()?.selectAllChildren(source);
    return false;
  }
}

/** Returns the text of an element; of a table, with tabs between its cells, as spreadsheets expect. */
function textOf(source: HTMLElement): string {
  if (!(source instanceof HTMLTableElement)) return source.textContent ?? '';
  return [...source.rows]
    .map((row) => [...row.cells].map((cell) => (cell.textContent ?? '').trim()).join('\t'))
    .join('\n');
}
