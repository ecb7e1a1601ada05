import type { ComponentChildren, VNode } from 'preact';
import { type FootProps, PanelFoot } from './panel-foot.tsx';

/** A panel of a report: its title, a table, and its foot. */
export function TablePanel({
  head,
  isWide = false,
  children,
  ...foot
}: FootProps & {
  /** What stands beside the title. */
  head?: ComponentChildren;
  isWide?: boolean;
  children: ComponentChildren;
}): VNode {
  const { id, title } = foot;
  const titleId = `panel-${id}`;
  return (
    <section class={`card panel${isWide ? ' panel-wide' : ''}`} aria-labelledby={titleId} id={id}>
      <div class="panel-head">
        <h2 id={titleId}>{title}</h2>
        {head as VNode}
      </div>
      {children as VNode}
      <PanelFoot {...foot} />
    </section>
  );
}
