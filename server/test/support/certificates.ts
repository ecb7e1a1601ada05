import { spawnSync } from 'node:child_process';

/** Throw-away certificates for tests, made by OpenSSL. */

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
const BY_AUTHORITY = [
  ...['-CA', 'authority.pem', '-CAkey', 'authority.key'],
  ...['-addext', 'basicConstraints=CA:FALSE'],
];

/** Whether there is an OpenSSL that can sign. Otherwise, suites that need certificates are skipped. */
export const hasOpenssl = /^OpenSSL ([3-9]|\d\d)/.test(
  spawnSync('openssl', ['version'], { encoding: 'utf8' }).stdout ?? '',
);
if (!hasOpenssl) process.stderr.write('NOT TESTED: certificates need OpenSSL 3 on the path.\n');

/**
 * Writes two authorities (`authority`, `stranger`), and by the first of them certificates of servers named `localhost`
 * (`server`) and `other.example` (`other`) and of the user `postgres` (`client`): each a `.pem` and a `.key`.
 */
export function makeCertificates(folder: string): void {
  const make = (name: string, ...args: string[]) => {
    const files = ['-keyout', `${name}.key`, '-out', `${name}.pem`];
    const { status, stderr } = spawnSync('openssl', ['req', '-x509', ...NEW_KEY, ...args, ...files], {
      ...{ cwd: folder, encoding: 'utf8' },
    });
    if (status !== 0) throw new Error(`openssl failed (${status}): ${stderr}`);
  };
  for (const name of ['authority', 'stranger']) make(name, '-subj', `/CN=${name}`);
  for (const [name, host] of [
    ['server', 'localhost'],
    ['other', 'other.example'],
  ] as const)
    make(name, ...BY_AUTHORITY, '-subj', '/CN=nobody', '-addext', `subjectAltName=DNS:${host}`);
  make('client', ...BY_AUTHORITY, '-subj', '/CN=postgres');
}
