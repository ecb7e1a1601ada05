/** Name of the registry's file in a data folder. */
export const REGISTRY_FILE = 'registry.db';
/** Name of the events file in a data folder. */
export const EVENT_FILE = 'events.db';
