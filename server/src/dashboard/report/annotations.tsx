import type { VNode } from 'preact';
import { ANNOTATION_MAX_CHARS } from '../../app/annotations.ts';
import { writeDate } from '../../domain/calendar.ts';
import { DAY_MS } from '../../domain/clock.ts';
import { ButtonForm, Field, Form } from '../kit/form.tsx';
import { date } from '../kit/format.ts';
import type { Frame } from '../kit/parts.ts';
import type { ChartNote } from './chart-notes.ts';
import { REPORT_TEXT } from './text.ts';

/** What a viewer who may change annotations needs for it. */
export interface AnnotationForm {
  frame: Frame;
  /** The path that changes are sent to. */
  path: string;
  /** The query of the report to return to. */
  query: string;
  /** The last day of the report, which a new annotation is about unless another is chosen. */
  day: number;
}

/** Of a viewer to whom the owners' notes are not shown. */
export const NO_ANNOTATIONS: AnnotationsProps = { list: [], form: null };

export interface AnnotationsProps {
  list: readonly ChartNote[];
  /** Null if the viewer may not change them. */
  form: AnnotationForm | null;
}

/** The notes about the days of a chart, and the form that adds one. */
export function Annotations({ list, form }: AnnotationsProps): VNode | null {
  if (list.length === 0 && form === null) return null;
  return (
    <div class="annotations">
      {list.length > 0 && (
        <ul aria-label={REPORT_TEXT.annotations}>
          {list.map(({ id, day, text }) => (
            <li>
              <time datetime={writeDate(day)}>{date(day * DAY_MS)}</time> <bdi>{text}</bdi>
              {form !== null && id !== null && (
                <ButtonForm
                  frame={form.frame}
                  action={`${form.path}/remove`}
                  hidden={{ id, query: form.query }}
                  label={REPORT_TEXT.removeAnnotation}
                  about={text}
                />
              )}
            </li>
          ))}
        </ul>
      )}
      {form !== null && (
        <details>
          <summary>{REPORT_TEXT.addAnnotation}</summary>
          <Form frame={form.frame} action={form.path} class="inline-form" hidden={{ query: form.query }}>
            <Field
              name="note-date"
              type="date"
              label={REPORT_TEXT.day}
              required
              value={writeDate(form.day)}
            />
            <Field
              name="note-text"
              label={REPORT_TEXT.annotation}
              required
              maxlength={ANNOTATION_MAX_CHARS}
              placeholder={REPORT_TEXT.annotationExample}
            />
            <button type="submit">{REPORT_TEXT.save}</button>
          </Form>
        </details>
      )}
    </div>
  );
}
