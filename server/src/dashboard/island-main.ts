import { liveCheck } from './install/island-live-check.ts';
import { snippetOptions } from './install/island-options.ts';
import { copyButtons } from './kit/island-copy.ts';
import { keys } from './kit/island-keys.ts';
import { menus } from './kit/island-menus.ts';
import { liveActivity } from './live/island-activity.ts';
import { liveNow } from './live/island-online.ts';
import { worldMap } from './map/island-map.ts';
import { charts } from './report/island-chart.ts';
import { details } from './report/island-details.ts';
import { suggestions } from './report/island-suggestions.ts';
import { timeZones } from './sign-in/island-time-zone.ts';

/** Enhances pages that also work without JavaScript. Each part changes only its own elements. */
copyButtons();
menus();
keys();
liveCheck();
snippetOptions();
liveNow();
liveActivity();
charts();
worldMap();
details();
suggestions();
timeZones();
