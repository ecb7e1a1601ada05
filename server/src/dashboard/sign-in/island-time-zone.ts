/** Fills in the browser's time zone, which a new account starts with. Without JavaScript it starts with UTC. */
export function timeZones(): void {
  for (const field of document.querySelectorAll<HTMLInputElement>('[data-time-zone]'))
    field.value = Intl.DateTimeFormat().resolvedOptions().timeZone;
}
