import { post } from './beacon.ts';
import { dataset } from './tag.ts';
import type { Call, EventOptions, Props } from './types.ts';

/** The entries of a dataset that begin with a prefix: `data-props-plan="pro"` is `{ plan: 'pro' }`. */
export const withPrefix = (prefix: string, attributes: DOMStringMap): Record<string, string> => {
  const found: Record<string, string | undefined> = {};
  for (const name in attributes) {
    const rest = name.split(prefix)[1];
    if (rest) found[rest.toLowerCase()] = attributes[name];
  }
  return found as Record<string, string>;
};

/** The props that go with every page view and event. */
export const commonProps = (): Props => withPrefix('props', dataset);

/** Sends an event. The second argument are options if one of theirs is in it, else the props themselves. */
export const postWithOptions = (...[name, given]: Call): void => {
  const { props, currency, value, callback } = (
    given?.props || given?.currency || given?.callback ? given : { props: given }
  ) as EventOptions;
  // Markup knows strings only.
  post({ name, value: value && +value, currency, props: { ...commonProps(), ...props } }, callback);
};
