import { createContext, type VNode } from 'preact';
import { useContext } from 'preact/hooks';
import { ownValue } from '../../domain/own-value.ts';
import { SOURCE_MARKS } from './source-marks.ts';

/** The URL of the file with all marks, which browsers keep. */
export const MarksUrl = createContext('');

/** The mark of a source or company, from this server; its first letter if there is none. It is decoration beside the name. */
export function SourceMark({ name }: { name: string }): VNode {
  const url = useContext(MarksUrl);
  const id = ownValue(SOURCE_MARKS, name);
  if (id === undefined)
    return <span class="mark mark-letter" data-letter={letterOf(name)} aria-hidden="true" />;
  return (
    <svg class="mark" aria-hidden="true">
      <use href={`${url}#${id}`} />
    </svg>
  );
}

function letterOf(name: string): string {
  return /[\p{L}\p{N}]/u.exec(name)?.[0] ?? '';
}
