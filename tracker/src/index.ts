import { post } from './beacon.ts';
import { CORE, FULL } from './build.ts';
import { install } from './install.ts';
import { attractos, key } from './tag.ts';
import { track } from './track.ts';
import type { Props } from './types.ts';
import { pageview, path } from './view.ts';

// The same tag twice counts once; a tag with another key is another site's.
const mark = key as `ak_${string}`;
if (!attractos[mark]) {
  attractos[mark] = attractos.track = CORE
    ? track
    : (name, given) => path && post({ name, props: (given?.props || given) as Props });
  if (FULL) attractos.pageview = pageview;
  install();
}
