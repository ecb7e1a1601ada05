/** Sets the text of the first element that matches, if there is one. */
export function setText(root: ParentNode, selector: string, value: string): void {
  const element = root.querySelector(selector);
  if (element !== null) element.textContent = value;
}

/** Shows or hides the first element that matches, if there is one. */
export function setHidden(root: ParentNode, selector: string, hidden: boolean): void {
  const element = root.querySelector<HTMLElement>(selector);
  if (element !== null) element.hidden = hidden;
}
