import { expect, it } from 'vitest';
import { countryNamed } from '../src/domain/countries.ts';
import { valueName, valueNamed } from '../src/domain/value-names.ts';

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
