import { type ComponentChildren, Fragment, h, type VNode } from 'preact';
import { renderToString } from 'preact-render-to-string';
import type { TSchema } from 'typebox';
import { ERRORS } from '../../domain/errors.ts';
import { PLANS } from '../../domain/plans.ts';
import { OPENAPI_PATH, OPERATIONS, type Operation } from '../operations.ts';
import { report } from '../report.ts';
import { exampleOf } from '../schema-parts.ts';
import { BOT_MIDDLEWARE_USE, botMiddleware, pixelTag } from './bots.ts';
import { fieldsOf, typeOf } from './fields.ts';
import { samplesOf } from './samples.ts';
import { STYLE } from './style.ts';

/** A placeholder for the server's URL. https://www.rfc-editor.org/rfc/rfc6761#section-6.4 */
const PLACEHOLDER = 'https://nobody.invalid';

/**
 * Returns a function that creates the reference page for a server's URL, given without a trailing slash. The URL may come from
 * the `Host` header, so it can differ per request. Rendering takes ten milliseconds, so it is done once, with a placeholder.
 */
export function referencePageFor(): (server: string) => string {
  let pieces: string[] | undefined;
  return (server) => {
    pieces ??= referencePage(PLACEHOLDER).split(PLACEHOLDER);
    return pieces.join(renderToString(h(Fragment, null, server)));
  };
}

/** Renders the whole page. The renderer escapes all text. */
function referencePage(server: string): string {
  return `<!doctype html>${renderToString(
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>API reference · AttractOS</title>
        <link rel="service-desc" type="application/json" href={`/api${OPENAPI_PATH}`} />
        {/* The CSP allows this constant by its hash, so it must not change by a byte. */}
        <style dangerouslySetInnerHTML={{ __html: STYLE }} />
      </head>
      <body>
        <a class="skip" href="#main">
          Skip to content
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
          <a href="#start">Getting started</a>
        </li>
        {OPERATIONS.map(({ name, summary }) => (
          <li>
            <a href={`#${name}`}>{summary}</a>
          </li>
        ))}
        <li>
          <a href="#bots">Crawlers and pages without JavaScript</a>
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
        Read every report of the dashboard and send events from your server. Base URL:{' '}
        <code>{`${server}/api/v1`}</code>. Machine-readable spec:{' '}
        <a href={`/api${OPENAPI_PATH}`}>OpenAPI 3.1</a>.
      </p>
      <h2>API keys</h2>
      <p>
        Create an API key in the dashboard under{' '}
        <a href="/dashboard/settings/api-keys">Settings → API keys</a> and send it as{' '}
        <code>Authorization: Bearer YOUR_API_KEY</code>. The scope <code>read</code> allows reading reports;{' '}
        <code>write</code> allows sending events, and <code>configure</code> changing settings of sites. A key
        can be limited to specific sites. The site key (<code>ak_…</code>) in your pages is public and is not
        an API key.
      </p>
      <h2>Dates and time zones</h2>
      <p>
        <code>start</code> and <code>end</code> are YYYY-MM-DD dates, both inclusive. The default is from 7
        days ago to today; an earlier <code>end</code> requires a <code>start</code>. Days use the time zone
        of the site, or of your account if the site has none; every report contains it as{' '}
        <code>time_zone</code>. Billing months and the ledger use UTC.
      </p>
      <h2>Filters</h2>
      <p>
        Write filters as <code>filter=dimension:value</code>. Repeat the parameter to combine filters; all
        must match. <code>|</code> means or, a leading <code>!</code> means not, and an empty value means
        unknown. A backslash escapes the next character. Examples: <code>filter=country:DE|AT</code>,{' '}
        <code>filter=!page:/admin</code>, <code>filter=prop:plan:pro</code>, <code>filter=source:</code>. With{' '}
        <code>~</code>, a filter matches values that contain the text, ignoring case:{' '}
        <code>filter=~page:blog</code>, <code>filter=!~page:/draft</code>. It also searches the English names
        of countries and channels. Filters do not apply to crawlers: a filtered report has no bot visits.
      </p>
      <p>
        <a href="#segments">Segments</a> are filters that the team of a site saved under a name.{' '}
        <code>segment=ID</code> adds the filters of one to those of the request.
      </p>
      <h2>Pagination and CSV</h2>
      <p>
        Lists are paginated: pass <code>next_cursor</code> as <code>cursor</code> to get the next page, until
        it is null. With <code>Accept: text/csv</code>, every list is returned as CSV; the <code>Link</code>{' '}
        header has the URL of the next page. Text that a spreadsheet would run as a formula is prefixed with
        an apostrophe.
      </p>
      <h2>Rate limits and caching</h2>
      <p>
        The rate limit is {PLANS.free.apiRequestsPerMinute} requests per minute on the Free plan and{' '}
        {PLANS.pro.apiRequestsPerMinute} on Pro, shared by all keys of an account. Every response has the
        headers <code>X-RateLimit-Limit</code>, <code>X-RateLimit-Remaining</code> and{' '}
        <code>X-RateLimit-Reset</code>, and <code>RateLimit</code> with <code>RateLimit-Policy</code>.
        Responses have an <code>ETag</code>: send it as <code>If-None-Match</code> to get a 304 if nothing has
        changed.
      </p>
      <p class="note">
        Within v1, fields may be added but are never renamed or removed. Unknown query parameters are refused
        with a suggestion.
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
        {scope !== null && <span class="note">requires scope {scope}</span>}
      </p>
      <p>{description}</p>
      {Object.keys(operation.parameters).length > 0 && (
        <Table head={['Parameter', 'Type', 'Description']}>
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
          <summary>Example response</summary>
          <pre>
            <code>{JSON.stringify(exampleOf(answer), null, 2)}</code>
          </pre>
        </details>
      )}
      {body !== null && name !== 'mcp' && (
        <Fields title={name === report.name ? 'Event fields' : 'Body fields'} schema={body} />
      )}
      {answer !== null && name !== 'mcp' && <Fields title="Response fields" schema={answer} />}
      {csv !== null && (
        <p>
          Available as CSV: <code>{csv.rows}</code>.
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
      <Table head={['Field', 'Type', 'Description']}>
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
      <h2>Crawlers and pages without JavaScript</h2>
      <p>
        Crawlers do not run JavaScript, but your server sees their requests. Report them with{' '}
        <a href="#reportEvents">POST /api/v1/sites/{'{id}'}/events</a>. The IP address and user agent that you
        send are hashed or classified, and never stored. Events can be up to 48 hours old, and an event with
        an <code>id</code> can be retried without counting twice.
      </p>
      <h3>Node.js middleware</h3>
      <pre>
        <code data-sample="middleware">{botMiddleware(server)}</code>
      </pre>
      <pre>
        <code>{BOT_MIDDLEWARE_USE}</code>
      </pre>
      <h3>Tracking pixel</h3>
      <p>
        <code>GET /p.gif?key=ak_…</code> counts a page view without JavaScript. Parameters: <code>key</code>,{' '}
        <code>url</code> (default: the <code>Referer</code> header), <code>ref</code>, <code>name</code> and{' '}
        <code>id</code>. The response is always a 43-byte image; the <code>X-Attractos-Outcome</code> header
        has the outcome. Set <code>url</code>, because browsers usually send no path in <code>Referer</code>.
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
        Every error has the form <code>{'{"error": "human-readable message", "code": "A_CODE"}'}</code>. If a
        retry can succeed, <code>retry_after</code> and the <code>Retry-After</code> header say how many
        seconds to wait.
      </p>
      <Table head={['Code', 'Status', 'Description']}>
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
