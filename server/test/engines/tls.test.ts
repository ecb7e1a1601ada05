import { appendFileSync, chmodSync, chownSync, copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { beforeAll, describe, expect, inject, it, onTestFinished } from 'vitest';
import { Database } from '../../src/store/drivers/postgres.ts';
import { hasOpenssl, makeCertificates } from '../support/certificates.ts';
import { DashboardVisitor } from '../support/dashboard-visitor.ts';
import {
  hasPostgres,
  owner,
  type PostgresServer,
  sharedPostgres,
  startPostgres,
} from '../support/engines/postgres.ts';
import { freePort } from '../support/free-port.ts';
import { makeFolder, temporaryFolder } from '../support/paths.ts';
import { until } from '../support/poll.ts';
import { command, startProgram } from '../support/program.ts';
import { startSmtpServer } from '../support/smtp-server.ts';

/** What the URLs of the databases demand of a server's certificate, and which certificate they present. */

const CLICKHOUSE = 'http://127.0.0.1:1';
/** A database that only clients with a certificate may enter. */
const CERTIFIED = 'certified';

/** Copies a file into the server's data folder, readable only to the server. */
function give(server: PostgresServer, from: string, name: string): void {
  const file = join(server.folder, 'data', name);
  copyFileSync(from, file);
  chmodSync(file, 0o600);
  const { uid, gid } = owner();
  if (uid !== undefined && gid !== undefined) chownSync(file, uid, gid);
}

/** Starts a web server until the test ends. @returns its port */
async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port; // it listens on TCP
}

/** Starts a server that offers TLS. The end of the run stops it. */
async function startWithTls(certificates: string): Promise<PostgresServer> {
  const server = await startPostgres(join(inject('enginesFolder'), 'postgres-tls'));
  const data = join(server.folder, 'data');
  for (const name of ['server.pem', 'server.key', 'authority.pem'])
    give(server, join(certificates, name), name);
  appendFileSync(
    join(data, 'postgresql.conf'),
    "ssl = on\nssl_cert_file = 'server.pem'\nssl_key_file = 'server.key'\nssl_ca_file = 'authority.pem'\n",
  );
  const hosts = join(data, 'pg_hba.conf');
  writeFileSync(
    hosts,
    `hostssl ${CERTIFIED} all all cert\nhost ${CERTIFIED} all all reject\n${readFileSync(hosts, 'utf8')}`,
  );
  server.sql('postgres', `CREATE DATABASE ${CERTIFIED}`);
  server.sql('postgres', 'SELECT pg_reload_conf()');
  return server;
}

describe.skipIf(!hasPostgres || !hasOpenssl)('databases with TLS', () => {
  let server: PostgresServer;
  let folder: string;
  beforeAll(async () => {
    const { path, remove } = await makeFolder();
    folder = path;
    makeCertificates(folder);
    server = await startWithTls(folder);
    return remove;
  }, 150_000);

  const address = (host: string, parameters: string, database = 'postgres') =>
    `postgres://postgres@${host}:${server.port}/${database}?${parameters.replaceAll('FOLDER', folder)}`;

  /** @returns whether the session is encrypted, or why there is none */
  async function connectTo(url: string): Promise<boolean | string> {
    const db = new Database(url);
    try {
      const { rows } = await db.query('SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()');
      return rows[0]?.ssl === true;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    } finally {
      await db.close();
    }
  }

  const ROOT = 'sslrootcert=FOLDER/authority.pem';
  const STRANGER = 'sslrootcert=FOLDER/stranger.pem';
  it.each([
    ['127.0.0.1', '', false],
    ['127.0.0.1', 'sslmode=disable', false],
    ['127.0.0.1', 'sslmode=prefer', true],
    ['127.0.0.1', 'sslmode=require', true],
    ['127.0.0.1', 'ssl=true', true],
    ['127.0.0.1', `sslmode=verify-ca&${ROOT}`, true],
    ['127.0.0.1', `sslmode=require&${ROOT}`, true],
    ['localhost', `sslmode=verify-full&${ROOT}`, true],
    ['LocalHost', `sslmode=verify-full&${ROOT}`, true],
    ['localhost', `sslmode=require&channel_binding=require&${ROOT}`, true],
    ['localhost', `sslmode=require&channel_binding=prefer&gssencmode=disable&connect_timeout=10`, true],
    ['127.0.0.1', 'sslmode=verify-ca', /certificate/],
    ['127.0.0.1', `sslmode=verify-ca&${STRANGER}`, /certificate/],
    ['127.0.0.1', `sslmode=require&${STRANGER}`, /certificate/],
    ['127.0.0.1', `sslmode=verify-full&${ROOT}`, /IP: 127\.0\.0\.1 is not in the cert's list/],
    ['localhost', 'sslmode=verify-full&sslrootcert=system', /certificate/],
    ['localhost', 'sslmode=require&channel_binding=require', /certificate/],
  ])('to %s with %s: %s', async (host, parameters, expected) => {
    const found = await connectTo(address(host, parameters));
    if (typeof expected === 'boolean') expect(found).toBe(expected);
    else expect(found).toMatch(expected);
  });

  it('presents the certificate that the URL names', async () => {
    const mine = 'sslcert=FOLDER/client.pem&sslkey=FOLDER/client.key';
    expect(await connectTo(address('localhost', `sslmode=verify-full&${ROOT}&${mine}`, CERTIFIED))).toBe(
      true,
    );
    expect(await connectTo(address('localhost', `sslmode=verify-full&${ROOT}`, CERTIFIED))).toMatch(
      /valid client certificate/,
    );
  });

  it('connects to a Unix socket, where TLS does not exist', async () => {
    const [socket, port] = [server.folder, server.port];
    for (const url of [
      `postgres:///postgres?host=${socket}&port=${port}&user=postgres`,
      `postgresql://postgres@/postgres?host=${socket}&port=${port}&sslmode=require`,
      `postgres://postgres:none@${encodeURIComponent(socket)}:${port}/postgres?sslmode=verify-full`,
    ])
      expect(await connectTo(url)).toBe(false);
    expect(await connectTo(`postgres://u:secret@/d?host=${folder}`)).toMatch(
      /^PostgreSQL: connect ENOENT .*\.s\.PGSQL\.5432$/,
    );
  });

  it('goes on to the next of several hosts', async () => {
    const closed = await freePort();
    for (const next of [`localhost:${server.port}`, `127.0.0.1:${server.port},localhost:${server.port}`]) {
      const url = `postgres://postgres@127.0.0.1:${closed},${next}/postgres?sslmode=verify-ca&${ROOT}`;
      expect(await connectTo(url.replace('FOLDER', folder))).toBe(true);
    }
  });

  it('reaches a server without TLS with prefer, but not with require', async () => {
    const { port } = await sharedPostgres();
    const plain = (mode: string) =>
      connectTo(`postgres://postgres@127.0.0.1:${port}/postgres?sslmode=${mode}`);
    expect(await plain('prefer')).toBe(false);
    expect(await plain('require')).toMatch(
      /\. The sslmode in DATABASE_URL requires TLS, which the server may not offer$/,
    );
  });

  it('names what to correct', async () => {
    expect(await connectTo(address('localhost', 'sslmode=verify-full'))).toMatch(
      /^PostgreSQL: .*certificate.*\. If its CA is private, name the CA file as sslrootcert in DATABASE_URL$/,
    );
    const refused = (parameters: string) => () => new Database(address('localhost', parameters));
    expect(refused('sslmode=verify-full&sslrootcert=FOLDER/server.key')).toThrow(
      /sslrootcert in DATABASE_URL has no PEM certificate$/,
    );
    for (const other of ['server.key', 'client.pem'])
      expect(
        refused(`sslmode=require&sslcert=FOLDER/client.pem&sslkey=FOLDER/${other}`),
        `the key ${other}`,
      ).toThrow(/sslcert and sslkey in DATABASE_URL must be a PEM certificate and its key/);
  });

  it('sends what is for the server', async () => {
    const db = new Database(address('127.0.0.1', 'application_name=mine&options=-c%20work_mem%3D8MB'));
    onTestFinished(() => db.close());
    const { rows } = await db.query(
      "SELECT current_setting('application_name') AS name, current_setting('work_mem') AS memory",
    );
    expect(rows).toEqual([{ name: 'mine', memory: '8MB' }]);
  });

  it('refuses a certificate with another name only in the mode verify-full', async () => {
    const present = async (name: string, says: string) => {
      for (const type of ['pem', 'key']) give(server, join(folder, `${name}.${type}`), `server.${type}`);
      server.sql('postgres', 'SELECT pg_reload_conf()');
      await until(
        () => connectTo(address('localhost', `sslmode=verify-full&${ROOT}`)),
        (found) => String(found).includes(says),
      );
    };
    onTestFinished(() => present('server', 'true'));
    await present('other', "Host: localhost. is not in the cert's");
    for (const host of ['localhost', 'LocalHost', '127.0.0.1'])
      expect(await connectTo(address(host, `sslmode=verify-full&${ROOT}`))).toMatch(/cert's/);
    expect(await connectTo(address('localhost', `sslmode=verify-ca&${ROOT}`))).toBe(true);
  });

  it('verifies the certificate of ClickHouse, also by an authority in NODE_EXTRA_CA_CERTS', async () => {
    const [cert, key] = ['pem', 'key'].map((type) => readFileSync(join(folder, `server.${type}`)));
    let requests = 0;
    const https = createServer({ cert, key }, (_request, response) => {
      requests += 1;
      response.writeHead(500).end('Code: 999. It is only a test');
    });
    const port = await listen(https);
    const dataDir = await temporaryFolder();
    const doctor = async (host: string, more: Record<string, string> = {}) => {
      const { stdout } = await command(dataDir, ['doctor', '--json'], {
        ...{ DATABASE_URL: address('127.0.0.1', ''), CLICKHOUSE_URL: `https://${host}:${port}` },
        ...more,
      });
      const { checks } = JSON.parse(stdout) as { checks: { name: string; found: string }[] };
      return checks.find(({ name }) => name === 'events')?.found;
    };
    const trusted = { NODE_EXTRA_CA_CERTS: join(folder, 'authority.pem') };
    expect(await doctor('localhost')).toMatch(
      /^ClickHouse: error UNABLE_TO_VERIFY_LEAF_SIGNATURE\. .*set NODE_EXTRA_CA_CERTS to the CA file$/,
    );
    expect(await doctor('127.0.0.1', trusted)).toMatch(/^ClickHouse: error ERR_TLS_CERT_ALTNAME_INVALID$/);
    expect(requests).toBe(0);
    expect(await doctor('localhost', trusted)).toMatch(/^ClickHouse: error 999$/);
    expect(requests).toBeGreaterThan(0);
  });

  it('trusts the authorities of NODE_EXTRA_CA_CERTS for mail and single sign-on', async () => {
    const certified = {
      cert: readFileSync(join(folder, 'server.pem')),
      key: readFileSync(join(folder, 'server.key')),
    };
    const smtp = await startSmtpServer(certified, true);
    onTestFinished(() => smtp.close());
    const provider = createServer(certified, ({ headers }, response) => {
      const issuer = `https://${headers.host}`;
      response
        .writeHead(200, { 'content-type': 'application/json' })
        .end(JSON.stringify({ issuer, authorization_endpoint: `${issuer}/authorize` }));
    });
    const issuer = `https://localhost:${await listen(provider)}`;
    const dataDir = await temporaryFolder();
    const email = 'ada@example.com';
    expect(await command(dataDir, ['account', 'add', '--email', email])).toMatchObject({ code: 0 });
    const settings = {
      ...{ PUBLIC_URL: 'http://stats.example', OIDC_ISSUER: issuer },
      ...{ OIDC_CLIENT_ID: 'id', OIDC_CLIENT_SECRET: 'secret' },
      ...{ SMTP_URL: `smtps://localhost:${smtp.port}`, MAIL_FROM: 'stats@example.com' },
    };
    const start = async (more: Record<string, string>) => {
      const visitor = new DashboardVisitor(await startProgram(dataDir, { ...settings, ...more }).address);
      return { visitor, leadsTo: String((await visitor.get('/login/sso')).headers.location) };
    };
    const { visitor, leadsTo } = await start({ NODE_EXTRA_CA_CERTS: join(folder, 'authority.pem') });
    expect(leadsTo).toContain(`${issuer}/authorize?`);
    await visitor.get('/forgot');
    expect(await visitor.post('/forgot', { email })).toMatchObject({ status: 200 });
    expect(await smtp.next()).toMatchObject({ to: [`<${email}>`] });
    expect((await start({ DATA_DIR: await temporaryFolder() })).leadsTo).not.toContain(issuer);
  });

  it('trusts the authorities of NODE_EXTRA_CA_CERTS and of the system, and names a file that it cannot read', async () => {
    const dataDir = await temporaryFolder();
    const run = (parameters: string, more: Record<string, string> = {}, name = 'ada') =>
      command(dataDir, ['account', 'add', '--email', `${name}@example.com`, '--json'], {
        ...{ DATABASE_URL: address('localhost', parameters), CLICKHOUSE_URL: CLICKHOUSE },
        ...more,
      });
    const trusted = { NODE_EXTRA_CA_CERTS: join(folder, 'authority.pem') };
    expect(await run('sslmode=verify-full', trusted)).toMatchObject({ code: 0, stderr: '' });
    expect(await run('sslmode=verify-full')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/PostgreSQL: .*certificate/),
    });
    const ofSystem = { SSL_CERT_FILE: join(folder, 'authority.pem') };
    expect(await run('sslrootcert=system', ofSystem, 'bob')).toMatchObject({ code: 0, stderr: '' });
    expect(await run('sslmode=verify-full&sslrootcert=/none.pem')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/sslrootcert in DATABASE_URL cannot be read: ENOENT.*none\.pem/),
    });
  });
});
