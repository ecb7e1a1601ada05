import { type ComponentChildren, Fragment, h, type VNode } from 'preact';
import { renderToString } from 'preact-render-to-string';
import type { TSchema } from 'typebox';
import { ERRORS } from '../../errors.ts';
import { PLANS } from '../../plans.ts';
import { OPENAPI_PATH, OPERATIONS, type Operation } from '../operations.ts';
import { exampleOf } from '../schema-parts.ts';
import { BOT_MIDDLEWARE_USE, botMiddleware, pixelTag } from './bots.ts';
import { fieldsOf, typeOf } from './fields.ts';
import { samplesOf } from './samples.ts';
import { STYLE } from './style.ts';

/** An address that is nobody's, in whose place others are put. https://www.rfc-editor.org/rfc/rfc6761#section-6.4 */
const NOBODYS = 'https://nobody.invalid';

/**
 * Makes the reference page of any server: to render it takes ten milliseconds, and whoever asks says what server it is, so it is
 * rendered once. What is returned takes an address without a trailing slash.
 */
export function referencePageFor(): (server: string) => string {
  let pieces: string[] | undefined;
  return (server) => {
    pieces ??= referencePage(NOBODYS).split(NOBODYS);
    return pieces.join(renderToString(h(Fragment, null, server)));
  };
}

/** The page, whole. Everything shown is escaped by the renderer. */
function referencePage(server: string): string {
  return `<!doctype html>${renderToString(
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>API reference · AttractOS</title>
        <link rel="service-desc" type="application/json" href={`/api${OPENAPI_PATH}`} />
        {/* A constant of ours, allowed by its hash: it must stand here byte for byte. */}
        <style dangerouslySetInnerHTML={{ __html: STYLE }} />
      </head>
      <body>
        <a class="skip" href="#main">
          Skip to the content
        </a>
        <div class="frame">
          <Contents />
          <main id="main">
            <Start server={server} />
            {OPERATIONS.map((operation) => (
              <Reference operation={operation} server={server} />
            ))}
            <Bots server={server} />
            <Errors />
          </main>
        </div>
      </body>
    </html>,
  )}`;
}

function Contents(): VNode {
  return (
    <nav aria-label="Contents">
      <ul>
        <li>
          <a href="#start">Before you start</a>
        </li>
        {OPERATIONS.map(({ name, summary }) => (
          <li>
            <a href={`#${name}`}>{summary}</a>
          </li>
        ))}
        <li>
          <a href="#bots">Visits that no script sees</a>
        </li>
        <li>
          <a href="#errors">Errors</a>
        </li>
      </ul>
    </nav>
  );
}

function Start({ server }: { server: string }): VNode {
  return (
    <section id="start">
      <h1>API reference</h1>
      <p>
        Every number of the dashboard, by program. Base address: <code>{`${server}/api/v1`}</code>. The same
        as a document for machines: <a href={`/api${OPENAPI_PATH}`}>OpenAPI 3.1</a>.
      </p>
      <h2>Keys</h2>
      <p>
        Make an API key in the dashboard under <a href="/dashboard/settings/api-keys">Settings → API Keys</a>{' '}
        and send it as <code>Authorization: Bearer YOUR_API_KEY</code>. A key has scopes: <code>read</code>{' '}
        asks for numbers, <code>write</code> reports events from your server. It may be bound to single sites.
        The site key (<code>ak_…</code>) in your pages is public and is no API key.
      </p>
      <h2>Days and periods</h2>
      <p>
        <code>start</code> and <code>end</code> are days, written YYYY-MM-DD, both included. Without them:
        from 7 days ago to today, so that an <code>end</code> further back needs a <code>start</code>. Days
        begin in the time zone of the site, else of your account; it is in every answer. Billing months and
        the ledger are UTC.
      </p>
      <h2>Filters</h2>
      <p>
        <code>filter=dimension:value</code>, as often as you like; all must hold. <code>|</code> means or,{' '}
        <code>!</code> at the front means not, an empty value means not known, a backslash takes the next
        character literally: <code>filter=country:DE|AT</code>, <code>filter=!page:/admin</code>,{' '}
        <code>filter=prop:plan:pro</code>, <code>filter=source:</code>. Nothing of the kind is known of bots:
        a filter leaves none of their visits.
      </p>
      <h2>Lists</h2>
      <p>
        Lists come in pages: ask again with <code>cursor</code> set to <code>next_cursor</code> until that is
        null. With <code>Accept: text/csv</code> every list comes as CSV, and the address of the next page is
        in the header <code>Link</code>. Text that a spreadsheet would run as a formula begins with an
        apostrophe there.
      </p>
      <h2>Limits and caching</h2>
      <p>
        {PLANS.free.apiRequestsPerMinute} requests a minute on Free, {PLANS.pro.apiRequestsPerMinute} on Pro,
        shared by all keys of an account. Every answer says how you stand: <code>X-RateLimit-Limit</code>,{' '}
        <code>X-RateLimit-Remaining</code>, <code>X-RateLimit-Reset</code>, and <code>RateLimit</code> with{' '}
        <code>RateLimit-Policy</code>. Answers have an <code>ETag</code>; send it back as{' '}
        <code>If-None-Match</code> and get a 304 while nothing changed.
      </p>
      <p class="note">
        Fields may be added to any answer. Within v1 none is renamed or removed. Query names that an address
        does not know are refused, with the nearest one that it does.
      </p>
    </section>
  );
}

function Reference({ operation, server }: { operation: Operation; server: string }): VNode {
  const { name, method, path, summary, description, scope, body, answer, csv, errors } = operation;
  return (
    <section id={name}>
      <h2>{summary}</h2>
      <p class="route">
        <span class="verb">{method}</span>
        <code>{path}</code>
        {scope !== null && <span class="note">scope {scope}</span>}
      </p>
      <p>{description}</p>
      {Object.keys(operation.parameters).length > 0 && (
        <Table head={['Parameter', 'Type', 'Meaning']}>
          {Object.entries(operation.parameters).map(([parameter, schema]) => (
            <tr>
              <td>
                <code>{parameter}</code>
                {operation.required.includes(parameter) ? ' (required)' : ''}
              </td>
              <td>{typeOf(schema)}</td>
              <td>{descriptionOf(schema)}</td>
            </tr>
          ))}
        </Table>
      )}
      {samplesOf(operation, server).map(({ language, code }) => (
        <details open={language === 'curl'}>
          <summary>{language}</summary>
          <pre>
            <code data-sample={`${name} ${language}`}>{code}</code>
          </pre>
        </details>
      ))}
      {answer !== null && (
        <details>
          <summary>An answer</summary>
          <pre>
            <code>{JSON.stringify(exampleOf(answer), null, 2)}</code>
          </pre>
        </details>
      )}
      {body !== null && name !== 'mcp' && <Fields title="Fields of an event" schema={body} />}
      {answer !== null && name !== 'mcp' && <Fields title="Fields of the answer" schema={answer} />}
      {csv !== null && (
        <p>
          As CSV: <code>{csv.rows}</code>.
        </p>
      )}
      <p class="note">
        Errors:{' '}
        {errors.map((code, i) => (
          <>
            {i > 0 && ', '}
            <a href={`#${code}`}>{code}</a>
          </>
        ))}
      </p>
    </section>
  );
}

function Fields({ title, schema }: { title: string; schema: TSchema }): VNode {
  return (
    <details>
      <summary>{title}</summary>
      <Table head={['Field', 'Type', 'Meaning']}>
        {fieldsOf(schema).map(({ path, type, description, optional }) => (
          <tr>
            <td>
              <code>{path}</code>
            </td>
            <td>
              {type}
              {optional ? ', optional' : ''}
            </td>
            <td>{description}</td>
          </tr>
        ))}
      </Table>
    </details>
  );
}

function Bots({ server }: { server: string }): VNode {
  return (
    <section id="bots">
      <h2>Visits that no script sees</h2>
      <p>
        Crawlers run no script. Your server sees them: report their visits with{' '}
        <a href="#reportEvents">POST /api/v1/sites/{'{id}'}/events</a>. The visitor’s address and user agent
        that you state are hashed or classified, and forgotten; they are never stored. Events may be dated
        back by 48 hours, and one with an <code>id</code> may be sent again without counting twice.
      </p>
      <h3>Middleware for Node</h3>
      <pre>
        <code data-sample="middleware">{botMiddleware(server)}</code>
      </pre>
      <pre>
        <code>{BOT_MIDDLEWARE_USE}</code>
      </pre>
      <h3>An image</h3>
      <p>
        <code>GET /p.gif?key=ak_…</code> counts a view without script: <code>key</code>, <code>url</code>{' '}
        (else the <code>Referer</code> header), <code>ref</code>, <code>name</code> and <code>id</code>. The
        answer is always an image of 43 bytes; what became of the event is in the header{' '}
        <code>X-Attractos-Outcome</code>. Browsers mostly send no path in <code>Referer</code>: name the page
        in <code>url</code>.
      </p>
      <pre>
        <code data-sample="pixel">{pixelTag(server)}</code>
      </pre>
    </section>
  );
}

function Errors(): VNode {
  return (
    <section id="errors">
      <h2>Errors</h2>
      <p>
        Every error is <code>{'{"error": "a sentence for a person", "code": "A_CODE"}'}</code>; where trying
        again makes sense, <code>retry_after</code> says in how many seconds, and so does the header{' '}
        <code>Retry-After</code>.
      </p>
      <Table head={['Code', 'Status', 'Meaning']}>
        {Object.entries(ERRORS).map(([code, { status, sentence }]) => (
          <tr id={code}>
            <td>
              <code>{code}</code>
            </td>
            <td>{status}</td>
            <td>{sentence}</td>
          </tr>
        ))}
      </Table>
    </section>
  );
}

function Table({ head, children }: { head: readonly string[]; children: ComponentChildren }): VNode {
  return (
    <table>
      <thead>
        <tr>
          {head.map((title) => (
            <th scope="col">{title}</th>
          ))}
        </tr>
      </thead>
      <tbody>{children}</tbody>
    </table>
  );
}

function descriptionOf(schema: TSchema): string {
  return 'description' in schema ? String(schema.description) : '';
}
