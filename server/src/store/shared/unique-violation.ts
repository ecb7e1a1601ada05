import { StoreUnavailable } from '../contract/store.ts';

/** A failure to write a row because one with the same key exists. Unless a caller expects it, it counts as unavailability. */
export class UniqueViolation extends StoreUnavailable {}
