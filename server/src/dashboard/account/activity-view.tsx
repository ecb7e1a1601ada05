import type { VNode } from 'preact';
import type { ActivityPage } from '../../app/security-log.ts';
import { countryName } from '../../domain/countries.ts';
import type { SecurityEntry } from '../../store/contract/store.ts';
import { documentOf } from '../kit/document.tsx';
import { Card } from '../kit/elements.tsx';
import { dateTime } from '../kit/format.ts';
import type { Frame } from '../kit/parts.ts';
import { ACTIVITY_TEXT, sentenceOf } from './activity-text.ts';

export interface AccountActivityData extends ActivityPage {
  accountId: string;
  /** The time zone of the account. */
  zone: string;
  /** Whether these are the newest entries. */
  isNewest: boolean;
}

export function accountActivityPage(frame: Frame, data: AccountActivityData): string {
  const { entries, older, isNewest, zone } = data;
  return documentOf({
    frame,
    title: ACTIVITY_TEXT.title,
    children: (
      <>
        <p class="crumbs">
          <a href="/dashboard/account">{ACTIVITY_TEXT.account}</a>
        </p>
        <h1>{ACTIVITY_TEXT.title}</h1>
        <p class="lead">{ACTIVITY_TEXT.lead}</p>
        <p class="hint">{ACTIVITY_TEXT.times(zone)}</p>
        <Card>
          {entries.length === 0 ? (
            <p class="hint">{ACTIVITY_TEXT.none}</p>
          ) : (
            <ul class="lines">
              {entries.map((entry) => (
                <li>
                  <Entry entry={entry} data={data} />
                </li>
              ))}
            </ul>
          )}
          <p>
            {older !== null && (
              <a href={`/dashboard/account/activity?cursor=${older}`}>{ACTIVITY_TEXT.older}</a>
            )}{' '}
            {!isNewest && <a href="/dashboard/account/activity">{ACTIVITY_TEXT.newest}</a>}
          </p>
        </Card>
      </>
    ),
  });
}

function Entry({
  entry,
  data: { accountId, zone },
}: {
  entry: SecurityEntry;
  data: AccountActivityData;
}): VNode {
  const { event, details, atMs, firstAtMs, count } = entry;
  const facts = [
    count > 1 ? ACTIVITY_TEXT.repeated(count, dateTime(firstAtMs, zone)) : null,
    actorOf(entry, accountId),
    ...placeOf(entry),
  ].filter((fact) => fact !== null);
  return (
    <div>
      <strong>{sentenceOf(event, details)}</strong>
      <p class="hint">
        <time dateTime={new Date(atMs).toISOString()}>{dateTime(atMs, zone)}</time>
        {facts.map((fact) => ` · ${fact}`).join('')}
      </p>
    </div>
  );
}

/** Says who did it, if it was not the account itself. */
function actorOf({ via, actorId, actorEmail }: SecurityEntry, accountId: string): string | null {
  if (via === 'command-line') return ACTIVITY_TEXT.commandLine;
  if (actorId === null || actorId === accountId) return null;
  return actorEmail === null ? ACTIVITY_TEXT.bySomeoneGone : ACTIVITY_TEXT.by(actorEmail);
}

function placeOf({ via, browser, country }: SecurityEntry): (string | null)[] {
  if (via === 'command-line') return [];
  return [browser, country === null ? ACTIVITY_TEXT.unknownCountry : (countryName(country) ?? country)];
}
