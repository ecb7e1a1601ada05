import { copyButtons } from './copy.ts';
import { happening } from './happening.ts';
import { keys } from './keys.ts';
import { liveCheck } from './live-check.ts';
import { liveNow } from './live-now.ts';
import { menus } from './menus.ts';

/** Makes pages that work without script nicer. Each part looks for its own elements and leaves the rest alone. */
copyButtons();
menus();
keys();
liveCheck();
liveNow();
happening();
