/** Lists the time zones that users can choose. */
export function offeredZones(): string[] {
  return [...new Set(['UTC', ...Intl.supportedValuesOf('timeZone')])];
}
