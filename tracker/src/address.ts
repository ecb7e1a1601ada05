/**
 * Where addresses are cut off, fragment first, then query: the collector refuses a beacon with a longer one than
 * `URL_MAX_CHARS` of the wire. This is a little less, and two bytes shorter to write in every build.
 */
export const ADDRESS_MAX_CHARS = 2e3;
