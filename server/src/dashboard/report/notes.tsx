import type { VNode } from 'preact';
import { RANGES } from '../../app/reports/spans.ts';
import { shownDomain } from '../../domain/hosts.ts';
import { dateTime } from '../kit/format.ts';
import type { ReportData } from './data.ts';
import { isRollUp } from './subject.ts';
import { REPORT_TEXT } from './text.ts';

/** The metric definitions and keyboard shortcuts. If JavaScript is on, `?` shows the shortcuts in a dialog. */
export function Notes({ data: { zone, subject, span, figures } }: { data: ReportData }): VNode {
  return (
    <details class="notes">
      <summary>{REPORT_TEXT.notes}</summary>
      <dl>
        {figures.map(({ name, definition }) => (
          <>
            <dt>{name}</dt>
            <dd>{definition}</dd>
          </>
        ))}
        <dt>{REPORT_TEXT.revenue}</dt>
        <dd>{REPORT_TEXT.revenueHint}</dd>
        <dt>{REPORT_TEXT.time}</dt>
        <dd>{REPORT_TEXT.timeHint(zone, dateTime(span.fromMs, zone), dateTime(span.toMs, zone))}</dd>
        <dt>{REPORT_TEXT.notIncluded}</dt>
        <dd>
          {isRollUp(subject)
            ? REPORT_TEXT.notIncludedInRollUp
            : REPORT_TEXT.notIncludedHint(shownDomain(subject.domain))}
        </dd>
      </dl>
      <h3>{REPORT_TEXT.shortcuts}</h3>
      <ul class="key-list" data-keys>
        {RANGES.map(({ key, name }) => (
          <Key keys={[key.toUpperCase()]} name={name} />
        ))}
        <Key keys={['C']} name={REPORT_TEXT.customRange} />
        <Key keys={['←', '→']} name={REPORT_TEXT.earlierOrLater} />
        <Key keys={['X']} name={REPORT_TEXT.toggleComparison} />
        {!isRollUp(subject) && <Key keys={['1–9']} name={REPORT_TEXT.switchSite} />}
        <Key keys={['/']} name={REPORT_TEXT.filter} />
        <Key keys={['Esc']} name={REPORT_TEXT.clearFilters} />
        <Key keys={['?']} name={REPORT_TEXT.showShortcuts} />
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
