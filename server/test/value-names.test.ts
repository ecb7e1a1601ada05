import { expect, it } from 'vitest';
import { countryNamed } from '../src/domain/countries.ts';
import { valueName, valueNamed, valuesLike } from '../src/domain/value-names.ts';

it.each([
  ['DE', 'Germany'],
  ['GB', 'United Kingdom'],
  ['XK', 'Kosovo'],
])('reads the country %s as %s, and back', (code, name) => {
  expect(valueName('country', code)).toBe(name);
  expect(valueNamed('country', name.toUpperCase())).toBe(code);
});

it.each(['European Union', 'Eurozone', 'United Nations', 'Unknown Region', 'East Germany'])(
  'finds no country by the name %s',
  (name) => {
    expect(countryNamed(name)).toBeNull();
    expect(valueNamed('country', name)).toBe(name);
  },
);

it.each(['EU', 'ZZ', 'T1', 'de', ''])('shows the code %j as it is: it is not a country', (code) => {
  expect(valueName('country', code)).toBe(code);
});

it.each([
  ['de', 'German'],
  ['zh', 'Chinese'],
  ['he', 'Hebrew'],
])('reads the language %s as %s, and back', (code, name) => {
  expect(valueName('language', code)).toBe(name);
  expect(valueNamed('language', name.toUpperCase())).toBe(code);
  expect(valueNamed('language', code)).toBe(code);
});

it('finds languages by a part of their name, and treats other texts as codes', () => {
  expect(valuesLike('language', 'portuguese')).toEqual(['pt']);
  expect(valueNamed('language', 'Elvish')).toBe('elvish');
  expect(valueName('language', 'xx')).toBe('xx');
});

it('capitalizes screen classes, and reads them in any case', () => {
  expect(valueName('screen', 'extra large')).toBe('Extra large');
  expect(valueNamed('screen', 'Extra Large')).toBe('extra large');
});
