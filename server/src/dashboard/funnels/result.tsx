import type { ComponentChildren, VNode } from 'preact';
import type { FunnelResult, StepResult } from '../../app/reports/funnels.ts';
import { dimensionLabel, type FilterDimension } from '../../domain/dimensions.ts';
import { valueName } from '../../domain/value-names.ts';
import { Bar, TableHead } from '../kit/elements.tsx';
import { percent, short, whole } from '../kit/format.ts';
import type { AskedStep } from './data.ts';
import { FUNNELS_TEXT } from './text.ts';

/** What a funnel shows: a bar for each step, and tables. */

const share = (rate: number | null) => (rate === null ? '–' : percent(rate, 1));

/** The steps as bars of the share of the first step's visitors, and what was lost between them. */
export function FunnelSteps({ steps, result }: { steps: readonly AskedStep[]; result: FunnelResult }): VNode {
  const last = result.steps.at(-1);
  return (
    <>
      <h2 id="funnel">
        {last === undefined || last.rate === null
          ? FUNNELS_TEXT.none
          : FUNNELS_TEXT.completed(percent(last.rate, 1), result.steps.length)}
      </h2>
      <ol class="funnel">
        {result.steps.map((step, i) => (
          <li>
            <Loss step={step} before={result.steps[i - 1]} no={i} />
            <div class="funnel-step">
              <Bar percent={100 * (step.rate ?? 0)} />
              <span class="value">
                {i + 1}. <bdi>{steps[i]?.name}</bdi>
              </span>
              <span class="funnel-figures">
                <strong>{FUNNELS_TEXT.visitorsOf(whole(step.visitors), step.visitors === 1)}</strong>{' '}
                <span class="hint">
                  {share(step.rate)}, {FUNNELS_TEXT.visitsOf(whole(step.visits), step.visits === 1)}
                </span>
              </span>
            </div>
          </li>
        ))}
      </ol>
    </>
  );
}

/** How many left between two steps. @param no the number of the step before */
function Loss({
  step,
  before,
  no,
}: {
  step: StepResult;
  before: StepResult | undefined;
  no: number;
}): VNode | null {
  if (before === undefined || step.stepRate === null) return null;
  return (
    <p class="funnel-loss">
      <span aria-hidden="true">↓ </span>
      {step.dropOff === 0
        ? FUNNELS_TEXT.noneLeftAfter(no)
        : FUNNELS_TEXT.leftAfter(whole(step.dropOff), percent(1 - step.stepRate, 1), no)}
    </p>
  );
}

/** A table that scrolls sideways where it is too wide. */
function WideTable({ label, children }: { label: string; children: ComponentChildren }): VNode {
  return (
    <section
      class="scrolls"
      aria-label={label}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be within reach of a keyboard.
      tabIndex={0}
    >
      <table class="goals funnel-table">{children}</table>
    </section>
  );
}

/** All numbers of a funnel. */
export function FunnelTable({ steps, result }: { steps: readonly AskedStep[]; result: FunnelResult }): VNode {
  const { step: stepText, visitors, visits, dropOff, rate, stepRate } = FUNNELS_TEXT;
  return (
    <WideTable label={FUNNELS_TEXT.table}>
      <TableHead
        heading={<bdi>{FUNNELS_TEXT.steps}</bdi>}
        columns={[visitors, visits, dropOff, rate, stepRate]}
      />
      <tbody>
        {result.steps.map((step, i) => (
          <tr>
            <th scope="row">
              <span class="visually-hidden">{stepText(i + 1)}: </span>
              <bdi>{steps[i]?.name}</bdi>
            </th>
            <td class="number">{whole(step.visitors)}</td>
            <td class="number">{whole(step.visits)}</td>
            <td class="number">{i === 0 ? '–' : whole(step.dropOff)}</td>
            <td class="number">{share(step.rate)}</td>
            <td class="number">{share(step.stepRate)}</td>
          </tr>
        ))}
      </tbody>
    </WideTable>
  );
}

/** The visitors of each step by the values of a dimension. */
export function SplitTable({
  by,
  steps,
  rows,
}: {
  by: FilterDimension;
  steps: readonly AskedStep[];
  rows: readonly FunnelResult[];
}): VNode {
  const label = dimensionLabel(by);
  if (rows.length === 0) return <p class="hint empty">{FUNNELS_TEXT.none}</p>;
  return (
    <WideTable label={FUNNELS_TEXT.splitTable(label)}>
      <TableHead
        heading={<bdi>{label}</bdi>}
        columns={[...steps.map((_, i) => FUNNELS_TEXT.step(i + 1)), FUNNELS_TEXT.conversion]}
      />
      <tbody>
        {rows.map(({ value, steps: results }) => (
          <tr>
            <th scope="row">
              <bdi>{valueName(by, value)}</bdi>
            </th>
            {results.map(({ visitors }) => (
              <td class="number">{short(visitors)}</td>
            ))}
            <td class="number">{share(results.at(-1)?.rate ?? null)}</td>
          </tr>
        ))}
      </tbody>
    </WideTable>
  );
}
