import { civilDay, readDate, zoneOf } from '../domain/calendar.ts';
import { newId } from '../domain/tokens.ts';
import type { Annotation, Events, Site } from '../store/contract/store.ts';
import type { Context } from './context.ts';
import { allSites } from './sites.ts';
import { refusal } from './use-case-error.ts';

/** Use cases of annotations: notes about days, which reports show. Owners write them, and so do changes of what is counted. */

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

/**
 * Adds a note about today to a site because what it counts has changed, as `noteAbout` does.
 *
 * @param text without personal data, since everyone who sees the site reads it
 */
export async function noteChange(
  { registry, clock }: Pick<Context, 'registry' | 'clock'>,
  site: Site,
  text: string,
): Promise<void> {
  const zone = zoneOf(site, await registry.accountById(site.accountId));
  await noteAbout({ registry, clock }, site, civilDay(zone, clock.now()), text);
}

/**
 * Adds a note about a day to a site, unless the day has the same note already, or the site has as many notes as it may.
 *
 * @param day days since 1970-01-01
 */
export async function noteAbout(
  { registry, clock }: Pick<Context, 'registry' | 'clock'>,
  site: Site,
  day: number,
  text: string,
): Promise<void> {
  const notes = await registry.annotationsOf(site.id, { firstDay: day, lastDay: day });
  if (notes.some((note) => note.text === text)) return;
  if ((await registry.countAnnotations(site.id)) >= ANNOTATIONS_MAX) return;
  const id = newId('note');
  await registry.addAnnotation({ id, siteId: site.id, day, text, createdAtMs: clock.now() });
}

/** Adds a note to the reports of all sites that they were restored from a backup, and when its last event of each site was. */
export async function noteRestore({
  registry,
  events,
  clock,
}: Pick<Context, 'registry' | 'clock'> & { events: Pick<Events, 'keyUse'> }): Promise<void> {
  for await (const sites of allSites({ registry })) {
    for (const site of sites) {
      const uses = await events.keyUse(site.id);
      const lastMs = Math.max(0, ...uses.map(({ lastSeenAtMs }) => lastSeenAtMs));
      const last = new Date(lastMs).toISOString().slice(0, 'YYYY-MM-DDTHH:MM'.length).replace('T', ' ');
      const text = `Restored from a backup that ${lastMs === 0 ? 'has no events' : `ends at ${last} UTC`}`;
      await noteChange({ registry, clock }, site, text);
    }
  }
}
