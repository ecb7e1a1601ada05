import { existsSync, readdirSync } from 'node:fs';
import { newToken } from '../domain/tokens.ts';
import { type Database, openDatabase, openForReading, transaction, translated } from './drivers/sqlite.ts';
import { type Mark, readMark, writeMark } from './drivers/sqlite-mark.ts';

/**
 * The mark of an installation: a random id in both registry.db and events.db, which the first start gives them. It shows that
 * the two belong together, and that neither is new. Without it, a server would begin afresh if a file is missing, or count the
 * events of one installation for the accounts of another.
 *
 * The two files have no commit in common. So the registry first gets a mark that is not complete, and completes it once the
 * events file has it too. If a start ends in between, the next one finishes.
 */

/** The files that belong together. */
export interface InstallationFiles {
  registry: string;
  events: string;
  /** The folder of past days. */
  days: string;
}

/** A failure to open a data folder whose files are missing or do not belong together. */
export class IncompleteDataDir extends Error {
  override readonly name = 'IncompleteDataDir';
}

/** Refuses files that are missing or do not belong together. Changes nothing. @throws IncompleteDataDir */
export function requireInstallation(files: InstallationFiles): void {
  // The second look is for a server that was marking its files during the first one.
  const complaint = installationComplaint(files) && installationComplaint(files);
  if (complaint === null) return;
  throw new IncompleteDataDir(
    `${complaint}. Put back the files that belong together, or restore a backup into an empty folder and set DATA_DIR to it. Nothing was changed.`,
  );
}

/** Says which files are missing or do not belong together; null if there are none. */
export function installationComplaint({ events, registry, days }: InstallationFiles): string | null {
  if (!existsSync(registry)) {
    if (existsSync(events)) return `${registry} is missing`;
    const hasDays = existsSync(days) && readdirSync(days).length > 0;
    return hasDays ? `${registry} and ${events} are missing, although there are past days in ${days}` : null;
  }
  // Without events, the registry may be one that the command line made before the first start.
  if (!existsSync(events)) return markOf(registry)?.isComplete === true ? `${events} is missing` : null;
  const [ofEvents, ofRegistry] = [markOf(events), markOf(registry)];
  const isPair = ofEvents === null ? ofRegistry?.isComplete !== true : ofEvents.id === ofRegistry?.id;
  return isPair ? null : `${registry} and ${events} do not belong to the same installation`;
}

/** Returns the mark of a registry, which gets one if it has none. */
export function beginInstallation(registry: string): Mark {
  const found = markOf(registry);
  if (found !== null) return found;
  const mark = { id: newToken(), isComplete: false };
  inRegistry(registry, (db) => writeMark(db, mark));
  return mark;
}

/** Completes the mark of a registry, once the events file has it too. */
export function completeInstallation(registry: string, { id }: Mark): void {
  inRegistry(registry, (db) => writeMark(db, { id, isComplete: true }));
}

function markOf(file: string): Mark | null {
  const db = openForReading(file);
  try {
    return translated(() => readMark(db), file);
  } finally {
    db.close();
  }
}

function inRegistry<T>(registry: string, work: (db: Database) => T): T {
  const db = openDatabase(registry);
  try {
    return transaction(db, () => work(db));
  } finally {
    db.close();
  }
}
