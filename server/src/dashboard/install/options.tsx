import type { VNode } from 'preact';
import { Field } from '../kit/form.tsx';
import { type Choice, LIST_MAX_CHARS, ON_OFF_OPTIONS, type OnOffOption, type TextOption } from './choice.ts';
import { INSTALL_TEXT } from './text.ts';

/**
 * The switches of the script and its options. They are sent as a query, by the button or, with JavaScript, at each change. The
 * style sheet hides what only the full script has while the core script is chosen.
 */
export function Options({ choice }: { choice: Choice }): VNode {
  const { build } = choice;
  return (
    <details class="options" open={build === 'full'}>
      <summary>{INSTALL_TEXT.options}</summary>
      <fieldset>
        <legend>{INSTALL_TEXT.script}</legend>
        <Switch
          type="radio"
          {...{ name: 'build', value: 'core', checked: build === 'core' }}
          {...{ label: INSTALL_TEXT.core, hint: INSTALL_TEXT.coreHint }}
        />
        <Switch
          type="radio"
          {...{ name: 'build', value: 'full', checked: build === 'full' }}
          {...{ label: INSTALL_TEXT.full, hint: INSTALL_TEXT.fullHint }}
        />
      </fieldset>
      <fieldset class="full-options">
        <legend>{INSTALL_TEXT.count}</legend>
        {ON_OFF_OPTIONS.map((name) => (
          <>
            <OnOff name={name} choice={choice} />
            {name === 'downloads' && <ListField name="files" choice={choice} />}
          </>
        ))}
        <ListField name="query" choice={choice} />
      </fieldset>
      <p>
        <button type="submit" class="small">
          {INSTALL_TEXT.update}
        </button>
      </p>
      <p class="visually-hidden" role="status" data-install-said />
    </details>
  );
}

function ListField({ name, choice }: { name: TextOption; choice: Choice }): VNode {
  const { typed, error } = choice.fields[name];
  return (
    <Field {...{ name, value: typed, error, maxlength: LIST_MAX_CHARS }} {...INSTALL_TEXT.lists[name]} />
  );
}

function OnOff({ name, choice }: { name: OnOffOption; choice: Choice }): VNode {
  return (
    <Switch
      type="checkbox"
      {...{ name, value: 'on', checked: choice.options.has(name) }}
      {...INSTALL_TEXT.onOff[name]}
    />
  );
}

function Switch({
  label,
  hint,
  ...input
}: {
  type: 'radio' | 'checkbox';
  name: string;
  value: string;
  checked: boolean;
  label: string;
  hint: string;
}): VNode {
  return (
    <label class="check-field">
      <input {...input} />
      <span>
        {label} <span class="hint">{hint}</span>
      </span>
    </label>
  );
}
