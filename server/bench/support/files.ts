/** Files of a data folder. */
export const REGISTRY_FILE = 'registry.db';
export const EVENT_FILE = 'events.db';
