import type { VNode } from 'preact';
import type { ShownValue } from './filter-form.ts';
import { type Kind, OPERATORS } from './filters.ts';
import { REPORT_TEXT } from './text.ts';

/** The fields of the forms that add a filter or change one: its condition and its values. */

/** The fields for further values, without JavaScript. With it, a button adds them. */
const SPARE = 2;
/** The longest text of a field. */
const TEXT_MAX_CHARS = 2_000;

export function FilterFields({
  id,
  kind,
  values,
  hint,
  shortcut,
}: {
  /** The beginning of the ids of the fields. */
  id: string;
  /** The condition that is chosen at first. */
  kind: Pick<Kind, 'negated' | 'operator'>;
  /** The values that the fields show; at least one of them is required if there are none. */
  values: readonly ShownValue[];
  hint: string;
  /** The key that moves to the first field. */
  shortcut?: string;
}): VNode {
  const texts = values.length === 0 ? [''] : values.map(({ text }) => text);
  return (
    <>
      <div class="field">
        <label for={`${id}-how`}>{REPORT_TEXT.condition}</label>
        <select id={`${id}-how`} name="how">
          {OPERATORS.map(({ id: how, name, operator, negated }) => (
            <option value={how} selected={operator === kind.operator && negated === kind.negated}>
              {name}
            </option>
          ))}
        </select>
      </div>
      <div class="field">
        {texts.map((text, i) => (
          <ValueField
            text={text}
            isFirst={i === 0}
            isRequired={values.length === 0}
            hint={`${id}-hint`}
            {...(i === 0 && shortcut !== undefined ? { shortcut } : {})}
          />
        ))}
        {Array.from({ length: SPARE }, () => (
          <ValueField text="" isSpare hint={`${id}-hint`} />
        ))}
        {values.map(
          ({ text, means }) =>
            means !== null && (
              <>
                <input type="hidden" name="known" value={text} />
                <input type="hidden" name="means" value={means} />
              </>
            ),
        )}
        <button type="button" class="small" data-add-value hidden>
          {REPORT_TEXT.addValue}
        </button>
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      </div>
    </>
  );
}

function ValueField({
  text,
  isFirst = false,
  isRequired = false,
  isSpare = false,
  hint,
  shortcut,
}: {
  text: string;
  isFirst?: boolean;
  isRequired?: boolean;
  isSpare?: boolean;
  hint: string;
  shortcut?: string;
}): VNode {
  return (
    <div class="value-field" data-value={isSpare ? 'spare' : ''}>
      <label>
        <span class={isFirst ? undefined : 'visually-hidden'}>
          {isFirst ? REPORT_TEXT.value : REPORT_TEXT.anotherValue}
        </span>
        <input
          name="text"
          value={text}
          maxlength={TEXT_MAX_CHARS}
          required={isRequired}
          spellcheck={false}
          autocapitalize="none"
          autocomplete="off"
          aria-describedby={hint}
          data-key-focus={shortcut}
        />
      </label>
    </div>
  );
}
