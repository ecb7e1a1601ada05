/**
 * Systems and versions that Bowser does not recognize, or gets wrong: iPads, and versions that browsers freeze so that they do not
 * identify anyone. Compiled in November 2026.
 */

/** Matches an iPad, also in the model names that apps send. */
const IPAD = /\biPad/;
/** What only iOS and iPadOS browsers send. On an iPad they claim to run on a Mac, unless the visitor asks for mobile pages. */
const MOBILE_APPLE = /\b(?:CriOS|FxiOS|EdgiOS|OPiOS|OPT|GSA|Mobile)\//;
/** The first version that is called iPadOS. */
const FIRST_IPADOS = 13;

/** Returns the name of an Apple system, of which Bowser says `iOS` or `macOS`. */
export function appleSystem(userAgent: string, os: 'iOS' | 'macOS'): 'iOS' | 'iPadOS' | 'macOS' {
  if (os === 'macOS') return IPAD.test(userAgent) || MOBILE_APPLE.test(userAgent) ? 'iPadOS' : 'macOS';
  if (!IPAD.test(userAgent) && !/\bMacintosh\b/.test(userAgent)) return 'iOS';
  const version = appleMobileVersion(userAgent);
  return version !== null && Number(version) < FIRST_IPADOS ? 'iOS' : 'iPadOS';
}

/** The version of the system in the user agents of iOS and iPadOS. */
const APPLE_MOBILE_VERSION = /\bOS (\d{1,2})_(\d{1,2})/;
/** The version of Safari, whose first number has been that of the system since iOS 13. */
const SAFARI_VERSION = /\bVersion\/(\d{1,2})\.\S* (?:Mobile\/\w+ )?Safari\//;

/** The version of the system, which Meta's apps add. */
const VERSION_OF_APPS = /\bFBSV\/(\d{1,2})\b|; iOS (\d{1,2})_/;

/**
 * Returns the major version of iOS or iPadOS. From version 26 on, Safari and web views say that the system is 18.6 or 18.7:
 * https://webkit.org/blog/17333/webkit-features-in-safari-26-0/#update-to-ua-string
 */
function appleMobileVersion(userAgent: string): string | null {
  const [, meta, instagram = meta] = VERSION_OF_APPS.exec(userAgent) ?? [];
  if (instagram !== undefined) return instagram;
  const [, system, minor = ''] = APPLE_MOBILE_VERSION.exec(userAgent) ?? [];
  const [, safari] = SAFARI_VERSION.exec(userAgent) ?? [];
  // Other browsers put a made-up `Version/` before their own, which is older than any iPadOS.
  if (system === undefined) return Number(safari) >= FIRST_IPADOS ? (safari ?? null) : null;
  if (system !== '18' || !['6', '7'].includes(minor)) return system;
  return safari === undefined ? null : String(Math.max(Number(safari), 18));
}

/** Windows by its version number. Windows 11 sends that of Windows 10. */
const WINDOWS: Readonly<Record<string, string>> = {
  '10.0': '10+',
  '6.3': '8.1',
  '6.2': '8',
  '6.1': '7',
  '6.0': 'Vista',
  '5.2': 'XP',
  '5.1': 'XP',
};

/**
 * Returns the major version of a system; null if the user agent does not reveal it. macOS says 10.15 since version 11, Chrome on
 * Android says `Android 10; K`, and the numbers of ChromeOS and Linux are not versions.
 *
 * @param os a display name
 */
export function systemVersion(userAgent: string, os: string): string | null {
  switch (os) {
    case 'iOS':
    case 'iPadOS':
      return appleMobileVersion(userAgent);
    case 'macOS':
      return macVersion(userAgent);
    case 'Windows':
      return WINDOWS[/\bWindows NT (\d{1,2}\.\d)/.exec(userAgent)?.[1] ?? ''] ?? null;
    case 'Android':
      return /\bAndroid 10; K\)/.test(userAgent) ? null : after(/\bAndroid (\d{1,2})\b/, userAgent);
    case 'HarmonyOS':
      return after(/\b(?:Open)?Harmony(?:OS)?[ /](\d{1,2})\b/, userAgent);
    case 'Tizen':
      return after(/\bTizen[ /](\d{1,2})\b/, userAgent);
    case 'Windows Phone':
      return after(/\bWindows Phone (?:OS )?(\d{1,2})\b/, userAgent);
    default:
      return null;
  }
}

function macVersion(userAgent: string): string | null {
  const [, major, minor] = /\bMac OS X (\d{2})[._](\d{1,2})/.exec(userAgent) ?? [];
  if (major === undefined || minor === undefined) return null;
  if (major !== '10') return major;
  return minor === '15' ? null : `10.${minor}`;
}

function after(pattern: RegExp, userAgent: string): string | null {
  return pattern.exec(userAgent)?.[1] ?? null;
}
