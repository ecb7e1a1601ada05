import { dirname } from 'node:path';
import type { AskedReports } from '../../contract/store.ts';
import { type Database, openForReading } from '../../drivers/sqlite.ts';
import { listActivity } from './activity.ts';
import { DayEngine } from './day-engine.ts';
import { openBeside } from './duck-beside.ts';
import { daysFolder } from './segment-files.ts';
import { Texts } from './texts.ts';

const LIMITS = { memoryMib: 256, threads: 1 } as const;

interface Opened {
  db: Database;
  engine: DayEngine;
  close(): Promise<void>;
}

/** Lists activity for commands, beside a server that may be running. It opens the files on first use. */
export class ActivityBeside {
  readonly #file: string;
  #opened: Promise<Opened> | null = null;

  constructor(file: string) {
    this.#file = file;
  }

  listActivity: AskedReports['listActivity'] = async (scope, options) => {
    this.#opened ??= open(this.#file);
    const { db, engine } = await this.#opened;
    return listActivity({ db, engine, signal: new AbortController().signal }, scope, options);
  };

  async close(): Promise<void> {
    // If it could not be opened, `listActivity` has failed already.
    const opened = await this.#opened?.catch(() => null);
    await opened?.close();
  }
}

async function open(file: string): Promise<Opened> {
  const folder = daysFolder(dirname(file));
  const { duck, close } = await openBeside(folder, LIMITS);
  const db = openForReading(file);
  return {
    ...{ db, engine: new DayEngine({ duck, db, texts: new Texts(db), folder }) },
    async close() {
      db.close();
      await close();
    },
  };
}
