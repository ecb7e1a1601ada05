import { readdirSync, readFileSync } from 'node:fs';
import { Compile } from 'typebox/compile';
import { describe, expect, it } from 'vitest';
import { Beacon } from '../wire/beacon.ts';

const samples = new URL('../wire/samples/', import.meta.url);
const schema = Compile(Beacon);
const read = (folder: string) =>
  readdirSync(new URL(folder, samples)).map(
    (name) =>
      [name, JSON.parse(readFileSync(new URL(`${folder}/${name}`, samples), 'utf8')) as unknown] as const,
  );

describe('golden samples', () => {
  it.each(read('accepted'))('accepts %s', (_name, beacon) => {
    expect([...schema.Errors(beacon)]).toEqual([]);
  });

  it.each(read('refused') as [string, { reason: string; field: string; beacon: unknown }][])(
    'refuses %s',
    (_name, sample) => {
      expect([sample.reason, sample.field]).toEqual([
        expect.stringMatching(/\w/),
        expect.stringMatching(/\w/),
      ]);
      expect(schema.Check(sample.beacon)).toBe(false);
    },
  );
});
