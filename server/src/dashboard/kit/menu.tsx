import type { ComponentChildren, VNode } from 'preact';

/** A button that opens a menu, which works without JavaScript. */
export function Menu({
  what,
  name,
  children,
}: {
  /** A label for screen readers, if the name is only the current choice. */
  what?: string;
  name: ComponentChildren;
  children: ComponentChildren;
}): VNode {
  return (
    <details class="menu" data-menu>
      <summary class="button">
        {what !== undefined && <span class="visually-hidden">{what}: </span>}
        {name}
      </summary>
      <div class="menu-body">{children}</div>
    </details>
  );
}
