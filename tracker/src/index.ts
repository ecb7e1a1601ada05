import { start } from './start.ts';
import { attractos, key } from './tag.ts';

// The same tag twice counts once. A tag with another key belongs to another site, and counts for that site too.
attractos[key as `ak_${string}`] ||= start();
