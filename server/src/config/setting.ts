/**
 * A setting of the catalogue. It does not use TypeBox, because loading TypeBox takes half a second of CPU time, and commands
 * have no other use for it.
 */
export interface Setting<Value extends string | number> {
  default: Value;
  sentence: string;
  /** Whether to keep the value out of errors and logs. */
  isSecret?: boolean;
  /**
   * Parses the value from the environment.
   *
   * @throws RangeError whose message continues the setting's name with what is expected, such as `must be an integer`
   */
  read(text: string): Value;
}

type Entry<Value extends string | number> = Omit<Setting<Value>, 'read'>;

/**
 * Creates a text setting.
 *
 * @param entry `pattern`: what the text must match (default: any text); `expected`: the same in words: `must not be blank`
 */
export function text({
  pattern = /^/,
  expected = 'is invalid',
  ...entry
}: Entry<string> & { pattern?: RegExp; expected?: string }): Setting<string> {
  return {
    ...entry,
    read(input) {
      if (!pattern.test(input)) throw new RangeError(expected);
      return input;
    },
  };
}

interface Bounds {
  min?: number | undefined;
  max?: number | undefined;
  /** The exclusive minimum. */
  above?: number | undefined;
}

/** Creates a number setting within bounds. */
export function number({ min, max, above, ...entry }: Entry<number> & Bounds): Setting<number> {
  return numeric('a number', { min, max, above }, entry);
}

/** Creates an integer setting within bounds. */
export function integer({ min, max, above, ...entry }: Entry<number> & Bounds): Setting<number> {
  return numeric('an integer', { min, max, above }, entry);
}

function numeric(kind: 'a number' | 'an integer', bounds: Bounds, entry: Entry<number>): Setting<number> {
  const { min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY } = bounds;
  const { above = Number.NEGATIVE_INFINITY } = bounds;
  return {
    ...entry,
    read(input) {
      const value = input.trim() === '' ? Number.NaN : Number(input);
      const isKind = kind === 'a number' ? Number.isFinite(value) : Number.isInteger(value);
      if (isKind && value >= min && value <= max && value > above) return value;
      throw new RangeError(`must be ${kind}${rangeOf(bounds)}`);
    },
  };
}

function rangeOf({ min, max, above }: Bounds): string {
  if (above !== undefined) return ` greater than ${above}`;
  if (min !== undefined && max !== undefined) return ` from ${min} to ${max}`;
  if (min !== undefined) return ` of at least ${min}`;
  return max === undefined ? '' : ` of at most ${max}`;
}

/** Creates a setting whose value is one of a few words. */
export function word<const Word extends string>(words: readonly Word[], entry: Entry<Word>): Setting<Word> {
  return {
    ...entry,
    read(input) {
      const found = words.find((each) => each === input);
      if (found === undefined) throw new RangeError(`must be one of ${words.join(', ')}`);
      return found;
    },
  };
}

/** Reads a setting that is a list with commas. */
export function listOf(text: string): string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}
