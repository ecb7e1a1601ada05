import { install } from './install.ts';
import { attractos, key } from './tag.ts';

// The same tag twice counts once; a tag with another key is another site's.
attractos[key as `ak_${string}`] ||= install();
