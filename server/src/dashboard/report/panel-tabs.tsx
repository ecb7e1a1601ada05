import type { VNode } from 'preact';
import type { Links } from './links.ts';
import { REPORT_TEXT } from './text.ts';

/** The tabs of a panel. @param id the panel's id, which is also its parameter in the URL */
export function PanelTabs<By extends string>({
  id,
  title,
  tabs,
  current,
  links,
}: {
  id: string;
  title: string;
  tabs: readonly { by: By; name: string }[];
  current: By;
  links: Links;
}): VNode {
  return (
    <nav aria-label={REPORT_TEXT.tabs(title)}>
      <ul>
        {tabs.map(({ by, name }) => (
          <li>
            <a
              href={links.with({ [id]: by }, '', `#${id}`)}
              aria-current={by === current ? 'true' : undefined}
            >
              <bdi>{name}</bdi>
            </a>
          </li>
        ))}
      </ul>
    </nav>
  );
}
