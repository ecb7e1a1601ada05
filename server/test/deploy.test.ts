import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { readConfig } from '../src/config.ts';
import { expose, type Sources } from '../src/metrics/catalogue.ts';
import { settingsCatalogue } from '../src/settings.ts';
import { Distribution, Tally } from '../src/tally.ts';
import { readExposition } from './support/exposition.ts';
import { root } from './support/paths.ts';

/** The files for operators, as far as they can be held to the program without the engines that run them. */

const FOLDER = 'server/deploy';
const read = (path: string) => readFileSync(join(root, path), 'utf8');
const settings = new Set<string>(settingsCatalogue().map(({ name }) => name));

interface Service {
  image?: string;
  profiles?: string[];
  environment?: Record<string, string>;
  volumes?: string[];
  ports?: string[];
  depends_on?: Record<string, unknown> | string[];
}

const compose = parse(read('compose.yaml'), { merge: true }) as {
  services: Record<string, Service>;
  volumes: Record<string, unknown>;
};
const ours = Object.entries(compose.services).filter(([, { image }]) => image === 'attractos:local');

/** Names of everything that a server can show, of one with a spool. */
async function exposedNames(): Promise<Set<string>> {
  const seen = new Distribution([1]);
  const sources: Sources = {
    ...{ answered: new Tally(), written: new Tally(), apiRequests: new Tally(), apiSeconds: seen },
    connections: { open: 0, max: 1, dropped: 0 },
    chores: { deletedRows: 0, failures: 0 },
    events: {
      fill: () => 0,
      health: async () => ({ ok: true }),
      stats: () => ({
        ...{ commitEntries: seen, commitSeconds: seen, commitFailures: 0 },
        spool: { fill: 0, entries: 0, lagSeconds: 0 },
      }),
    },
    sites: { size: 0, ageMs: () => 0 },
    feed: { listeners: 0 },
    overloaded: () => false,
  };
  const { types } = readExposition(await expose(sources).text());
  const names = new Set<string>();
  for (const [name, type] of types) {
    names.add(name);
    if (type === 'histogram') for (const part of ['bucket', 'sum', 'count']) names.add(`${name}_${part}`);
  }
  return names;
}

describe('monitoring', () => {
  it.each(['monitoring/grafana-dashboard.json', 'monitoring/alerts.yml', 'README.md'])(
    '%s names metrics that there are',
    async (file) => {
      const exposed = await exposedNames();
      const named = new Set(
        read(`${FOLDER}/${file}`).match(/\b(attractos|nodejs|process)_[a-z0-9_]+[a-z0-9]\b/g),
      );
      expect(named.size).toBeGreaterThan(5);
      expect([...named].filter((name) => !exposed.has(name))).toEqual([]);
    },
  );

  it('leaves no number of ours out of the README', async () => {
    const text = read(`${FOLDER}/README.md`);
    const missing = [...(await exposedNames())].filter(
      (name) => /^attractos_.*(?<!_bucket|_sum|_count)$/.test(name) && !text.includes(name),
    );
    expect(missing).toEqual([]);
  });

  it('asks for labels and values that there are', () => {
    const rules =
      read(`${FOLDER}/monitoring/alerts.yml`) + read(`${FOLDER}/monitoring/grafana-dashboard.json`);
    const reasons = new Set(
      [...rules.matchAll(/reason=~"([a-z|-]+)"/g)].flatMap(([, list = '']) => list.split('|')),
    );
    const known = read('server/src/collect/answers.ts');
    expect(reasons.size).toBeGreaterThan(3);
    for (const reason of reasons) expect(known).toMatch(new RegExp(`\\b${reason}\\b`));
  });

  it('parses, and no two panels lie on each other', () => {
    const dashboard = JSON.parse(read(`${FOLDER}/monitoring/grafana-dashboard.json`)) as {
      panels: { id: number; gridPos: { x: number; y: number; w: number } }[];
    };
    expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
    expect(new Set(dashboard.panels.map(({ gridPos: { x, y } }) => `${x} ${y}`)).size).toBe(
      dashboard.panels.length,
    );
    const { groups } = parse(read(`${FOLDER}/monitoring/alerts.yml`)) as {
      groups: { rules: { alert: string; expr: string; annotations: { summary: string } }[] }[];
    };
    for (const { alert, expr, annotations } of groups.flatMap(({ rules }) => rules))
      expect([alert, expr, annotations.summary].every(Boolean)).toBe(true);
    expect(parse(read(`${FOLDER}/monitoring/prometheus.yml`))).toMatchObject({ rule_files: ['alerts.yml'] });
  });
});

describe('compose.yaml', () => {
  it('has one machine as its default, and every other service in the profile scale-out', () => {
    const defaults = Object.entries(compose.services).filter(([, { profiles }]) => profiles === undefined);
    expect(defaults.map(([name]) => name)).toEqual(['attractos']);
    for (const [name, { profiles }] of Object.entries(compose.services))
      if (name !== 'attractos') expect(profiles, name).toEqual(['scale-out']);
    expect(ours.map(([name]) => name).sort()).toEqual(['api', 'attractos', 'collector-1', 'collector-2']);
  });

  it('sets settings that there are, to values that the program takes', () => {
    for (const [name, { environment = {} }] of ours) {
      expect(
        Object.keys(environment).filter((key) => !settings.has(key)),
        name,
      ).toEqual([]);
      const filled = Object.fromEntries(
        Object.entries(environment).map(([key, value]) => [
          key,
          value.replaceAll(/\$\{\w+:-([^}]*)\}/g, '$1'),
        ]),
      );
      expect(() => readConfig(filled), name).not.toThrow();
    }
  });

  it('mounts files and volumes that there are, depends on services that there are, publishes to this machine only', () => {
    for (const [name, { volumes = [], depends_on = [], ports = [] }] of Object.entries(compose.services)) {
      for (const [source = ''] of volumes.map((volume) => volume.split(':')))
        expect(
          source.startsWith('./') ? existsSync(join(root, source)) : source in compose.volumes,
          source,
        ).toBe(true);
      const needed = Array.isArray(depends_on) ? depends_on : Object.keys(depends_on);
      for (const other of needed) expect(compose.services, name).toHaveProperty(other);
      for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:/);
    }
  });

  it('keeps a volume of its own for every process that acknowledges', () => {
    const folders = ours.map(([, { volumes = [] }]) => volumes.find((volume) => volume.endsWith(':/data')));
    expect(folders).not.toContain(undefined);
    expect(new Set(folders).size).toBe(ours.length);
  });
});

describe('the image', () => {
  const dockerfile = read('Dockerfile');

  it('copies what there is, and what the context lets through', () => {
    const allowed = read('.dockerignore').match(/(?<=^!).+$/gm) ?? [];
    for (const [, sources = ''] of dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)) {
      for (const source of sources.split(' ')) {
        expect(existsSync(join(root, source)), source).toBe(true);
        expect(
          allowed.some((path) => source === path || source.startsWith(`${path}/`)),
          source,
        ).toBe(true);
      }
    }
  });

  it('runs as nobody in particular, with what it needs and nothing that builds', () => {
    const final = dockerfile.slice(dockerfile.lastIndexOf('FROM '));
    expect(final).toMatch(/^USER 10001:10001$/m);
    expect(final).toMatch(/^HEALTHCHECK [\s\S]*"healthcheck"\]$/m);
    expect(final).toMatch(/^VOLUME \/data$/m);
    expect(final).not.toMatch(/npm|apt-get|curl/);
    const [, environment = ''] = /^ENV (.+)$/m.exec(final) ?? [];
    const names = environment.split(' ').map((pair) => pair.split('=')[0] ?? '');
    expect(names.filter((name) => !settings.has(name))).toEqual(['NODE_ENV']);
  });
});

describe('the unit and the proxies', () => {
  it.each(['ProtectSystem=strict', 'DynamicUser=yes', 'StateDirectory=attractos', 'NoNewPrivileges=yes'])(
    'the unit says %s',
    (line) => expect(read(`${FOLDER}/systemd/attractos.service`).split('\n')).toContain(line),
  );

  it('set settings that there are', () => {
    const texts = ['nginx.conf', 'Caddyfile', 'traefik.yaml'].map((file) => read(`${FOLDER}/proxy/${file}`));
    for (const text of texts) {
      const [script] = /SCRIPT_PATH=(\S+)/.exec(text) ?? [];
      expect(script).toBeDefined();
      const named = Object.fromEntries(
        [...text.matchAll(/([A-Z_]{5,})=([/\w:.]+)/g)].map(([, name = '', value = '']) => [name, value]),
      );
      expect(Object.keys(named).filter((name) => !settings.has(name))).toEqual([]);
      expect(readConfig(named).paths).toEqual({ script: '/assets/app.js', collect: '/assets/log' });
      for (const path of ['assets', 'app', 'log', '/metrics']) expect(text).toContain(path);
    }
    expect(() => parse(texts[2] ?? '')).not.toThrow();
  });

  it('are all named in the README of the folder', () => {
    const text = read(`${FOLDER}/README.md`);
    for (const name of readdirSync(join(root, FOLDER)))
      if (name !== 'README.md') expect(text).toContain(`\`${name}/\``);
    for (const [, target = ''] of text.matchAll(/\]\(([^)#]+)/g))
      expect(existsSync(join(root, FOLDER, target)), target).toBe(true);
  });
});
