import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { root } from './support/paths.ts';

const folder = join(root, 'server');
const text = readFileSync(join(folder, 'SECURITY-ASVS.md'), 'utf8');

/** The requirements, each with its id, its status and why. */
const rows = [
  ...text.matchAll(/^\| (\d+\.\d+\.\d+) \| [^|]+ \| (met|not applicable|not met) \| ([^|]+) \|$/gm),
].map(([, id = '', status = '', why = '']) => ({ id, status, why }));

/** The requirements of levels 1 and 2 in ASVS 5.0.0. */
const REQUIREMENTS = 253;

describe('SECURITY-ASVS.md', () => {
  it('has every requirement once, with a reason, and counts them', () => {
    expect(new Set(rows.map(({ id }) => id)).size).toBe(REQUIREMENTS);
    expect(rows).toHaveLength(REQUIREMENTS);
    const count = (wanted: string) => rows.filter(({ status }) => status === wanted).length;
    const counts = [count('met'), count('not applicable'), count('not met'), REQUIREMENTS];
    expect(text).toContain(`| **Both** | ${counts.map((n) => `**${n}**`).join(' | ')} |`);
  });

  it('lists at its top what is not met', () => {
    const listed = [...text.matchAll(/^\| \[(\d+\.\d+\.\d+)\]/gm)].map(([, id]) => id);
    expect(listed).toEqual(rows.filter(({ status }) => status === 'not met').map(({ id }) => id));
  });

  it('names existing files', () => {
    const paths = [...text.matchAll(/`((?:\.\.|src|test|deploy)\/[^` ]+)`/g)].map(([, path = '']) => path);
    expect(paths.length).toBeGreaterThan(100);
    expect(paths.filter((path) => !existsSync(join(folder, path)))).toEqual([]);
  });
});
