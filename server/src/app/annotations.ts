import { readDate } from '../domain/calendar.ts';
import { newId } from '../domain/tokens.ts';
import type { Annotation } from '../store/contract/store.ts';
import type { Context } from './context.ts';
import { refusal } from './use-case-error.ts';

/** Use cases of annotations: notes of an owner about days, which reports show. */

const ANNOTATIONS_MAX = 1_000;
/** The longest text of an annotation. */
export const ANNOTATION_MAX_CHARS = 200;

/**
 * Adds an annotation to a site.
 *
 * @param typed the date as YYYY-MM-DD, and the text
 * @throws UseCaseError `INVALID_DATE`, `INVALID_ANNOTATION`, `TOO_MANY_ANNOTATIONS`
 */
export async function addAnnotation(
  { registry, clock }: Pick<Context, 'registry' | 'clock'>,
  siteId: string,
  typed: { date: string; text: string },
): Promise<Annotation> {
  const day = readDate(typed.date.trim());
  if (day === null) throw refusal('INVALID_DATE');
  const text = typed.text.trim().replaceAll(/\s+/g, ' ');
  if (text === '' || text.length > ANNOTATION_MAX_CHARS)
    throw refusal('INVALID_ANNOTATION', ANNOTATION_MAX_CHARS);
  if ((await registry.countAnnotations(siteId)) >= ANNOTATIONS_MAX)
    throw refusal('TOO_MANY_ANNOTATIONS', ANNOTATIONS_MAX);
  const annotation = { id: newId('note'), siteId, day, text, createdAtMs: clock.now() };
  await registry.addAnnotation(annotation);
  return annotation;
}
