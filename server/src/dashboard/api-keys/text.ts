/** The texts of the API keys page. */
export const API_KEYS_TEXT = {
  settings: 'Settings',
  title: 'API keys',
  lead: 'Use a key to access your sites’ data from your own programs. Keep it on a server; never put it in a web page.',
  revokedNow: 'Key revoked. Programs that use it now get a 401 error.',
  new: 'New key',
  name: 'Name',
  example: 'Nightly report',
  permissions: 'Permissions',
  read: 'Read reports',
  write: 'Send events',
  both: 'Read reports and send events',
  configure: 'Change site settings',
  limit: 'Limit to some sites',
  limitHint: 'If you choose none, the key has access to all your sites, including those you add later.',
  reference: 'API reference',
  create: 'Create key',
  yours: 'Your keys',
  none: 'No API keys yet',
  revokedKeys: (count: number) => `Revoked keys (${count})`,
  ready: (name: string) => `“${name}” is ready`,
  copyNow: 'Copy this key now.',
  onlyHash: 'We store only a hash, so it can’t be shown again.',
  keyLabel: 'the API key',
  tryIt: 'Try it:',
  command: 'the command',
  neverUsed: 'Never used',
  revokeHint: 'Programs that use this key stop working immediately. This can’t be undone.',
  revoke: (name: string) => `Revoke ${name}`,
  created: 'Created',
  lastUsed: 'Last used',
  revoked: 'Revoked',
  revokeThis: 'Revoke',
} as const;

const PERMISSIONS: Readonly<Record<string, string>> = {
  read: API_KEYS_TEXT.read,
  write: API_KEYS_TEXT.write,
  configure: API_KEYS_TEXT.configure,
};

/** The most sites that are named on the line of a key. */
const SITES_NAMED = 3;

const LIST = new Intl.ListFormat('en');

/** Describes what a key may do, from its scopes: `Read reports and send events`. */
export function permissionsOf(scopes: readonly string[]): string {
  const names = scopes.map((scope) => PERMISSIONS[scope] ?? scope);
  return LIST.format(names.map((name, i) => (i === 0 ? name : name.charAt(0).toLowerCase() + name.slice(1))));
}

/** Names the sites that a key is limited to: `a.example, b.example, c.example and 2 more`. */
export function sitesNamed(domains: readonly string[]): string {
  if (domains.length === 0) return 'No sites: they were deleted';
  const more = domains.length - SITES_NAMED;
  return LIST.format([...domains.slice(0, SITES_NAMED), ...(more > 0 ? [`${more} more`] : [])]);
}
