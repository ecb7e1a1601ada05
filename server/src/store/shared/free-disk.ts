import { open, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { SECOND_MS } from '../../domain/clock.ts';
import { OutageMonitor } from '../../domain/outage.ts';
import { Loop } from './loop.ts';

/** How often free space is measured. At the fastest, a disk loses tens of megabytes meanwhile. */
const MEASURED_EVERY_MS = SECOND_MS;
/** The free space from which events are accepted again, as a multiple of the least, so that they are not refused in turns. */
const ENOUGH = 1.1;

const MIB = 1024 ** 2;
/** The room that there must be after a full disk: about that of a large commit. */
const ROOM_BYTES = MIB;
/** The file that takes this room for a moment. */
const ROOM_FILE = '.room';

/** Returns the bytes on a folder's disk that this user may still write. */
export async function freeBytes(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}

/** Watches that a disk keeps some space free, for everything but events: sign-ins, settings, sealing, and the ledger. */
export class FreeDisk {
  readonly #folder: string;
  readonly #minBytes: number;
  readonly #outage: OutageMonitor;
  readonly #listeners: ((complaint: string | null) => void)[] = [];
  readonly #loop = new Loop({
    work: async () => {
      await this.#measure();
      return false;
    },
    idleMs: MEASURED_EVERY_MS,
    // A disk that cannot be measured may have space.
    onOutage: () => undefined,
  });

  private constructor(folder: string, minBytes: number) {
    this.#folder = folder;
    this.#minBytes = minBytes;
    this.#outage = new OutageMonitor((complaint) => {
      for (const listener of this.#listeners) listener(complaint);
    });
  }

  /** Measures a folder's disk now, and from then on until `stop`. @param minBytes the least free bytes; 0 for any */
  static async watch(folder: string, minBytes: number): Promise<FreeDisk> {
    const disk = new FreeDisk(folder, minBytes);
    if (minBytes === 0) return disk;
    await disk.#measure();
    disk.#loop.start();
    return disk;
  }

  /** The reason why no events may be stored; null if there is enough space. */
  get complaint(): string | null {
    return this.#outage.error;
  }

  /** Calls the listener when space begins to lack, and with null when there is enough again. */
  onChange(listener: (complaint: string | null) => void): void {
    this.#listeners.push(listener);
    if (this.complaint !== null) listener(this.complaint);
  }

  /** Writes a file of the size of a large commit, and deletes it. @throws if there is no room for it */
  async requireRoom(): Promise<void> {
    const path = join(this.#folder, ROOM_FILE);
    const file = await open(path, 'w', 0o600);
    try {
      await file.writeFile(Buffer.alloc(ROOM_BYTES));
      await file.sync();
    } finally {
      await file.close();
      await rm(path, { force: true });
    }
  }

  stop(): Promise<void> {
    return this.#loop.stop();
  }

  async #measure(): Promise<void> {
    const free = await freeBytes(this.#folder);
    const least = this.complaint === null ? this.#minBytes : this.#minBytes * ENOUGH;
    if (free >= least) this.#outage.succeeded();
    else this.#outage.failed(diskComplaint(free, this.#minBytes));
  }
}

/** Says that a disk has too little free space for events. */
function diskComplaint(free: number, minBytes: number): string {
  return `the disk of DATA_DIR has ${Math.floor(free / MIB)} MiB free; events are accepted again from ${Math.ceil((minBytes * ENOUGH) / MIB)} MiB (MIN_FREE_DISK_MIB)`;
}
