/** What the owner said in the tag. */
export interface Config {
  /** The public site key. */
  readonly _key: string | null;
  /** Where beacons go. */
  readonly _api: string;
  /** Send although a program drives the browser. */
  readonly _automation: boolean;
}

/**
 * Reads the tag. The key may also stand in the script's address, because optimiser plugins recreate tags and drop
 * their `data-` attributes on the way.
 */
export const readTag = ({ src, dataset }: HTMLScriptElement): Config => {
  const address = new URL(src);
  return {
    _key: dataset['key'] || address.searchParams.get('key'),
    _api: dataset['api'] || `${address.origin}/e`,
    _automation: dataset['automation'] === 'on',
  };
};
