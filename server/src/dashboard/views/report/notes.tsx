import type { VNode } from 'preact';
import { shownDomain } from '../../../hosts.ts';
import type { ReportData } from '../../report/data.ts';
import { FIGURES } from '../../report/measures.ts';
import { RANGES } from '../../report/span.ts';

/** What the numbers mean and which keys there are. With script, `?` shows the keys in a dialog. */
export function Notes({ data: { zone, site, span, worth } }: { data: ReportData }): VNode {
  return (
    <details class="notes">
      <summary>What the numbers mean, and keys</summary>
      <dl>
        {FIGURES.map(({ name, definition }) => (
          <>
            <dt>{name}</dt>
            <dd>{definition}</dd>
          </>
        ))}
        <dt>Conversion value</dt>
        <dd>
          The sum of the values sent with conversions, each currency by itself; nothing is converted.
          {worth?.complete === false && ' There are so many that only the newest were added up.'}
        </dd>
        <dt>Time</dt>
        <dd>
          Days begin in {zone}. Receipt by the server decides, never a visitor’s clock. From{' '}
          {new Date(span.fromMs).toISOString()} to {new Date(span.toMs).toISOString()}.
        </dd>
        <dt>Not in these numbers</dt>
        <dd>Crawlers, repeats, and what was refused: see “Not counted” of {shownDomain(site.domain)}.</dd>
      </dl>
      <h3>Keys</h3>
      <ul class="key-list" data-keys>
        {RANGES.map(({ key, name }) => (
          <Key keys={[key.toUpperCase()]} name={name} />
        ))}
        <Key keys={['C']} name="Dates of your own" />
        <Key keys={['←', '→']} name="Earlier, later" />
        <Key keys={['X']} name="Comparison on or off" />
        <Key keys={['/']} name="Filter" />
        <Key keys={['Esc']} name="Clear the filters" />
        <Key keys={['?']} name="This list" />
      </ul>
    </details>
  );
}

function Key({ keys, name }: { keys: readonly string[]; name: string }): VNode {
  return (
    <li>
      <span>
        {keys.map((key) => (
          <kbd>{key}</kbd>
        ))}
      </span>{' '}
      {name}
    </li>
  );
}
