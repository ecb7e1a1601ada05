import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { readConfig } from '../src/config/config.ts';
import { settingsCatalogue } from '../src/config/settings.ts';
import { OUTCOME_NAMES } from '../src/domain/outcomes.ts';
import { addSources, createMetrics, type Sources } from '../src/ops/metrics/catalogue.ts';
import { readExposition } from './support/exposition.ts';
import { root } from './support/paths.ts';

/** Checks the deployment files against the program, as far as possible without the tools that use them. */

const FOLDER = 'server/deploy';
const read = (path: string) => readFileSync(join(root, path), 'utf8');
const settings = new Set<string>(settingsCatalogue().map(({ name }) => name));

interface Service {
  image?: string;
  profiles?: string[];
  environment?: Record<string, string>;
  env_file?: unknown;
  volumes?: string[];
  ports?: string[];
  depends_on?: Record<string, unknown> | string[];
}

const compose = parse(read('compose.yaml'), { merge: true }) as {
  services: Record<string, Service>;
  volumes: Record<string, unknown>;
};
const ours = Object.entries(compose.services).filter(([, { image }]) => image === 'attractos:local');

/** Returns the names of all metrics that a server can expose, including one with a spool. */
async function exposedNames(): Promise<Set<string>> {
  const sources: Sources = {
    connections: { open: 0, max: 1, dropped: 0 },
    clients: { unreadable: 0 },
    jobs: { deletedRows: 0, failures: 0, endedAtMs: null },
    events: {
      fill: () => 0,
      health: async () => ({ ok: true }),
      stats: () => ({
        commitFailures: 0,
        daysToSeal: 0,
        damagedDays: 0,
        spool: { fill: 0, entries: 0, lagSeconds: 0 },
      }),
    },
    sites: { size: 0, ageMs: () => 0 },
    feed: { listeners: 0 },
    overloaded: () => false,
  };
  const { registry } = createMetrics();
  addSources(registry, sources);
  const { types } = readExposition(await registry.metrics());
  const names = new Set<string>();
  for (const [name, type] of types) {
    names.add(name);
    if (type === 'histogram') for (const part of ['bucket', 'sum', 'count']) names.add(`${name}_${part}`);
  }
  return names;
}

describe('monitoring', () => {
  it.each(['monitoring/grafana-dashboard.json', 'monitoring/alerts.yml', 'README.md'])(
    '%s names only existing metrics',
    async (file) => {
      const exposed = await exposedNames();
      const named = new Set(
        read(`${FOLDER}/${file}`).match(/\b(attractos|nodejs|process)_[a-z0-9_]+[a-z0-9]\b/g),
      );
      expect(named.size).toBeGreaterThan(5);
      expect([...named].filter((name) => !exposed.has(name))).toEqual([]);
    },
  );

  it('lists every metric in the README', async () => {
    const text = read(`${FOLDER}/README.md`);
    const missing = [...(await exposedNames())].filter(
      (name) => /^attractos_.*(?<!_bucket|_sum|_count)$/.test(name) && !text.includes(name),
    );
    expect(missing).toEqual([]);
  });

  it('uses only existing labels and values', () => {
    const rules =
      read(`${FOLDER}/monitoring/alerts.yml`) + read(`${FOLDER}/monitoring/grafana-dashboard.json`);
    const reasons = new Set(
      [...rules.matchAll(/reason=~"([a-z|-]+)"/g)].flatMap(([, list = '']) => list.split('|')),
    );
    expect(reasons.size).toBeGreaterThan(3);
    for (const reason of reasons) expect(OUTCOME_NAMES).toContain(reason);
  });

  it('ships a valid dashboard in which no two panels overlap', () => {
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
  it('runs one server by default, and has all other services in the profile scale-out', () => {
    const defaults = Object.entries(compose.services).filter(([, { profiles }]) => profiles === undefined);
    expect(defaults.map(([name]) => name)).toEqual(['attractos']);
    for (const [name, { profiles }] of Object.entries(compose.services))
      if (name !== 'attractos') expect(profiles, name).toEqual(['scale-out']);
    expect(ours.map(([name]) => name).sort()).toEqual(['api', 'attractos', 'collector-1', 'collector-2']);
  });

  it('sets only existing settings, to valid values', () => {
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

  it('passes on every setting of .env, except those that it relies on', () => {
    const own = [
      'HOST',
      'PORT',
      'DATA_DIR',
      'TRUST_PROXY',
      'DATABASE_URL',
      'CLICKHOUSE_URL',
      'METRICS_PORT',
      'METRICS_HOST',
    ];
    for (const [name, { env_file, environment = {} }] of ours) {
      expect(env_file, name).toEqual([{ path: '.env', required: false }]);
      for (const [key, value] of Object.entries(environment))
        expect(own.includes(key) || value.startsWith(`\${${key}:-`), `${name}: ${key}`).toBe(true);
    }
  });

  it('refers to existing files, volumes and services, and publishes ports on this machine only', () => {
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

  it('has a separate volume for every process that acknowledges events', () => {
    const folders = ours.map(([, { volumes = [] }]) => volumes.find((volume) => volume.endsWith(':/data')));
    expect(folders).not.toContain(undefined);
    expect(new Set(folders).size).toBe(ours.length);
  });
});

describe('the image', () => {
  const dockerfile = read('Dockerfile');

  it('copies only files that exist and that .dockerignore allows', () => {
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

  it('runs as an unprivileged user, without build tools', () => {
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

describe('the release', () => {
  const { jobs } = parse(read('.github/workflows/release.yml')) as {
    jobs: Record<string, { needs?: string; steps: { run?: string; with?: Record<string, unknown> }[] }>;
  };
  const stepsOf = (name: string) => jobs[name]?.steps ?? [];

  it('publishes nothing before the tests have passed', () => {
    expect(stepsOf('test').map(({ run }) => run)).toContain('.ci/run');
    for (const [name, { needs }] of Object.entries(jobs))
      if (name !== 'test') expect(needs, name).toBe('test');
  });

  it('publishes both packages and an image for two architectures, with provenance and an SBOM', () => {
    const published = stepsOf('packages').flatMap(({ run = '' }) =>
      run.startsWith('npm publish') ? [run] : [],
    );
    expect(published).toHaveLength(2);
    for (const run of published) expect(run).toContain('--provenance');
    expect(stepsOf('packages').some(({ run }) => run?.startsWith('npm sbom'))).toBe(true);
    expect(stepsOf('image').at(-1)?.with).toMatchObject({
      ...{ platforms: 'linux/amd64,linux/arm64', sbom: true },
      provenance: 'mode=max',
    });
    expect(JSON.parse(read('package.json'))).not.toHaveProperty('private');
  });
});

describe('the unit and the proxies', () => {
  it.each([
    ...['ProtectSystem=strict', 'DynamicUser=yes', 'StateDirectory=attractos', 'NoNewPrivileges=yes'],
    'InaccessiblePaths=-/opt/attractos/.git',
  ])('the unit says %s', (line) =>
    expect(read(`${FOLDER}/systemd/attractos.service`).split('\n')).toContain(line),
  );

  it('set only existing settings', () => {
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

  it.each(['nginx.conf', 'nginx-scale-out.conf'])('waits in %s for as long as a report may take', (name) => {
    const [, seconds] = /proxy_read_timeout (\d+)s;/.exec(read(`${FOLDER}/proxy/${name}`)) ?? [];
    expect(Number(seconds)).toBeGreaterThan(20 + 60);
  });

  it.each(['nginx.conf', 'nginx-scale-out.conf'])('overwrites in %s what the server believes', (name) => {
    const text = read(`${FOLDER}/proxy/${name}`);
    for (const header of ['X-Forwarded-For', 'X-Forwarded-Proto', 'X-Forwarded-Host'])
      expect(text).toMatch(new RegExp(`^  proxy_set_header ${header} \\$\\w+;$`, 'm'));
  });

  it('lists every folder in the README', () => {
    const text = read(`${FOLDER}/README.md`);
    for (const name of readdirSync(join(root, FOLDER)))
      if (name !== 'README.md') expect(text).toContain(`\`${name}/\``);
    for (const [, target = ''] of text.matchAll(/\]\(([^)#]+)/g))
      expect(existsSync(join(root, FOLDER, target)), target).toBe(true);
  });
});
