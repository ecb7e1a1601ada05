import { install, listen, watchHistory, watchNavigation } from './start.ts';
import { attractos, key } from './tag.ts';
import { checkPage } from './view.ts';

// The same tag twice counts once. A tag with another key belongs to another site, and counts for that site too.
if (!attractos[key as `ak_${string}`]) {
  install();
  checkPage();
  watchHistory();
  listen();
  watchNavigation();
}
