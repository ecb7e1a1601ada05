import { CHANNEL_LABELS, CHANNELS, isChannel } from './channels.ts';
import { countryName, countryNamed } from './countries.ts';

/** Converts values of dimensions to display names, and back. */

/** Returns the display name of a value: `Germany` for the country `DE`. */
export function valueName(by: string, value: string | null): string {
  if (value === null)
    return by === 'source' ? 'Direct / none' : by === 'campaign' ? 'No campaign' : 'Unknown';
  if (by === 'country') return countryName(value) ?? value;
  if (by === 'channel') return isChannel(value) ? CHANNEL_LABELS[value] : value;
  if (by === 'device') return value.charAt(0).toUpperCase() + value.slice(1);
  return value === '' ? '(empty)' : value;
}

/** Returns the value of a display name: `DE` for `Germany`. Any other text is returned as it is. */
export function valueNamed(by: string, typed: string): string {
  const wanted = typed.toLowerCase();
  if (by === 'channel')
    return CHANNELS.find((channel) => CHANNEL_LABELS[channel].toLowerCase() === wanted) ?? wanted;
  if (by === 'device') return wanted;
  if (by !== 'country') return typed;
  if (wanted.length === 2) return typed.toUpperCase();
  return countryNamed(typed) ?? typed;
}
