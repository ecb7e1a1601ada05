/** The time zones that a person chooses from. */
export function offeredZones(): string[] {
  return [...new Set(['UTC', ...Intl.supportedValuesOf('timeZone')])];
}
