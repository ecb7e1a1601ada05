import type { VNode } from 'preact';
import { DIMENSIONS, listedDimension, propName } from '../../domain/dimensions.ts';
import { STEP_MAX_CHARS, STEPS_MAX } from '../../domain/funnel.ts';
import { displayPage } from '../../domain/page-path.ts';
import { Carried } from '../report/controls.tsx';
import type { Links } from '../report/links.ts';
import type { FunnelData } from './data.ts';
import { TYPED, typedFor } from './steps.ts';
import { FUNNELS_TEXT } from './text.ts';

/** The fields that are there from the start. The others are behind a summary. */
const SHOWN_MIN = 3;

const SUGGESTIONS = 'step-suggestions';

/** The form of a funnel. Sent, its fields become steps in the URL, in their order. */
export function FunnelForm({ data, links }: { data: FunnelData; links: Links }): VNode {
  const typed = data.steps.map(({ text, step }) => (step === null ? text : typedFor(step)));
  const fields = Array.from({ length: STEPS_MAX }, (_, i) => <StepField no={i + 1} value={typed[i] ?? ''} />);
  const shown = Math.max(SHOWN_MIN, typed.length);
  return (
    <form method="get" action={links.base} class="funnel-form">
      <Carried links={links} except={['step', 'by']} />
      <fieldset aria-describedby="steps-hint">
        <legend class="visually-hidden">{FUNNELS_TEXT.steps}</legend>
        <p class="hint" id="steps-hint">
          {FUNNELS_TEXT.stepsHint}
        </p>
        <div class="step-fields">{fields.slice(0, shown)}</div>
        {shown < STEPS_MAX && (
          <details>
            <summary>{FUNNELS_TEXT.moreSteps}</summary>
            <div class="step-fields">{fields.slice(shown)}</div>
          </details>
        )}
      </fieldset>
      <Suggestions data={data} />
      <SplitField data={data} />
      <button type="submit" class="primary">
        {FUNNELS_TEXT.show}
      </button>
    </form>
  );
}

function StepField({ no, value }: { no: number; value: string }): VNode {
  const id = `step-${no}`;
  return (
    <div class="field">
      <label for={id}>{FUNNELS_TEXT.step(no)}</label>
      <input
        {...{ id, value, name: TYPED, list: SUGGESTIONS, maxlength: STEP_MAX_CHARS }}
        spellcheck={false}
        autocapitalize="none"
        autocomplete="off"
      />
    </div>
  );
}

function Suggestions({ data: { goals, pages, events } }: { data: FunnelData }): VNode {
  const { kinds } = FUNNELS_TEXT;
  return (
    <datalist id={SUGGESTIONS}>
      {goals.map(({ pattern }) => (
        <option value={`goal:${displayPage(pattern)}`} label={kinds.goal} />
      ))}
      {pages.map((page) => (
        <option value={typedFor({ kind: 'page', value: page })} label={kinds.page} />
      ))}
      {events.map((name) => (
        <option value={typedFor({ kind: 'event', value: name })} label={kinds.event} />
      ))}
    </datalist>
  );
}

function SplitField({ data: { by, properties } }: { data: FunnelData }): VNode {
  const chosen = by === null ? '' : (listedDimension(by)?.name ?? by);
  const own = by === null ? null : propName(by);
  const names = own === null || properties.includes(own) ? properties : [own, ...properties];
  return (
    <div class="field split-field">
      <label for="split-by">{FUNNELS_TEXT.split}</label>
      <select id="split-by" name="by">
        <option value="">{FUNNELS_TEXT.noSplit}</option>
        {DIMENSIONS.map(({ name, label }) => (
          <option value={name} selected={name === chosen}>
            {label}
          </option>
        ))}
        {names.length > 0 && (
          <optgroup label={FUNNELS_TEXT.properties}>
            {names.map((name) => (
              <option value={`prop:${name}`} selected={`prop:${name}` === chosen}>
                {name}
              </option>
            ))}
          </optgroup>
        )}
      </select>
    </div>
  );
}
