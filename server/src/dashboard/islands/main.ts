import { copyButtons } from './copy.ts';
import { liveCheck } from './live-check.ts';

/** Makes pages that work without script nicer. Each part looks for its own elements and leaves the rest alone. */
copyButtons();
liveCheck();
