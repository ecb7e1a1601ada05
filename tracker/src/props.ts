import { dataset } from './tag.ts';

/** The entries of a dataset that begin with a prefix: `data-props-plan="pro"` is `{ plan: 'pro' }`. */
export const withPrefix = (prefix: string, attributes: DOMStringMap | undefined): Record<string, string> => {
  const found: Record<string, string> = {};
  for (const name in attributes) {
    const rest = name.split(prefix)[1];
    if (rest) found[rest.toLowerCase()] = attributes[name] as string;
  }
  return found;
};

/** The props that go with everything. */
export const commonProps = (): Record<string, string> => withPrefix('props', dataset);
