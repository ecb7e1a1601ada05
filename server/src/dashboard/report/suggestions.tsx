import type { VNode } from 'preact';
import { renderToString } from 'preact-render-to-string';
import { dimensionLabel } from '../../domain/dimensions.ts';
import { isolated, whole } from '../kit/format.ts';
import type { Suggestions } from './suggestions-data.ts';
import { REPORT_TEXT } from './text.ts';

/** The values that a filter form suggests: a part of a page, which `island-suggestions.ts` shows below a field. */

export function suggestionsPart(suggestions: Suggestions): string {
  return renderToString(<SuggestionList suggestions={suggestions} />);
}

function SuggestionList({ suggestions }: { suggestions: Suggestions }): VNode {
  const { by, rows } = suggestions;
  return (
    <div data-suggestions>
      {rows.length > 0 && (
        <div
          role="listbox"
          tabIndex={-1}
          id="suggestions"
          aria-label={REPORT_TEXT.suggestions(isolated(dimensionLabel(by)))}
        >
          {rows.map(({ name, visitors, text, means }, i) => (
            <div
              role="option"
              tabIndex={-1}
              id={`suggestion-${i}`}
              aria-selected="false"
              data-text={text}
              data-means={means ?? undefined}
            >
              <bdi>{name}</bdi> <span class="hint">{REPORT_TEXT.suggestedVisitors(whole(visitors))}</span>
            </div>
          ))}
        </div>
      )}
      <p class="hint">{summaryOf(suggestions)}</p>
    </div>
  );
}

function summaryOf({ search, rows, hasMore }: Suggestions): string {
  if (rows.length > 0) return REPORT_TEXT.suggested(rows.length, hasMore);
  return search === '' ? REPORT_TEXT.noData : REPORT_TEXT.nothingSuggested(isolated(search));
}
