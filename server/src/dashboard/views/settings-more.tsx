import type { VNode } from 'preact';
import { shownDomain } from '../../hosts.ts';
import type { SiteVisit } from '../parts.ts';
import { Csrf } from './document.tsx';
import { Card, date, Field, Notice } from './parts.tsx';
import { Once, type SectionProps } from './settings-parts.tsx';

/** The rest of a site's settings: goals, shares, team, exports, the end. */

function RemoveButton({
  visit,
  to,
  name,
  value,
  label,
}: {
  visit: SiteVisit;
  to: string;
  name: string;
  value: string;
  label: string;
}): VNode {
  return (
    <form method="post" action={`/dashboard/sites/${visit.site.id}/settings/${to}`}>
      <Csrf frame={visit.frame} />
      <input type="hidden" name={name} value={value} />
      <button type="submit" class="small">
        Remove<span class="visually-hidden"> {label}</span>
      </button>
    </form>
  );
}

export function Goals({ visit, data: { goals, problem } }: SectionProps): VNode {
  return (
    <Card title="Goals" id="goals-title">
      <p class="hint">
        What you want visitors to do: an event that your page tracks, or a page they reach (* stands for any
        text). Shown in the report with its share of visitors.
      </p>
      {goals.length > 0 && (
        <ul class="lines">
          {goals.map((goal) => (
            <li>
              <div>
                <strong>{goal.pattern}</strong>
                <span class="tag">{goal.kind === 'event' ? 'event' : 'page'}</span>
              </div>
              <RemoveButton visit={visit} to="goals/remove" name="id" value={goal.id} label={goal.pattern} />
            </li>
          ))}
        </ul>
      )}
      <form method="post" action={`/dashboard/sites/${visit.site.id}/settings/goals`} class="inline-form">
        <Csrf frame={visit.frame} />
        <div class="field">
          <label for="kind">Kind</label>
          <select id="kind" name="kind">
            <option value="event">An event, by name</option>
            <option value="page">A page, by path</option>
          </select>
        </div>
        <Field
          name="pattern"
          label="Name or path"
          required
          maxlength={100}
          placeholder="signup, or /thanks*"
          error={problem?.at === 'pattern' ? problem.text : undefined}
        />
        <button type="submit">Add the goal</button>
      </form>
    </Card>
  );
}

export function Shares({ visit, data: { shares, newShare, problem } }: SectionProps): VNode {
  return (
    <Card title="Public links" id="shares-title">
      <p class="hint">
        Whoever has the link sees the report of this site, and nothing else. It changes nothing.
      </p>
      {newShare !== undefined && (
        <Once
          id="new-share"
          title={`“${newShare.name}” is ready.`}
          text="Copy the link now: it is shown only this once."
          address={newShare.address}
        />
      )}
      {shares.length > 0 && (
        <ul class="lines">
          {shares.map((share) => (
            <li>
              <div>
                <strong>{share.name}</strong>
                {share.passwordHash !== null && <span class="tag">with password</span>}
                <p class="hint">
                  Made {date(share.createdAtMs)}
                  {share.expiresAtMs !== null && `, good until ${date(share.expiresAtMs)}`}
                </p>
              </div>
              <RemoveButton visit={visit} to="shares/remove" name="id" value={share.id} label={share.name} />
            </li>
          ))}
        </ul>
      )}
      <form method="post" action={`/dashboard/sites/${visit.site.id}/settings/shares`} class="inline-form">
        <Csrf frame={visit.frame} />
        <Field
          name="name"
          label="Name"
          required
          maxlength={100}
          placeholder="for the board"
          error={problem?.at === 'name' ? problem.text : undefined}
        />
        <Field
          name="share-password"
          label="Password, if wished"
          type="password"
          autocomplete="new-password"
          maxlength={200}
        />
        <div class="field">
          <label for="expires">Good for</label>
          <select id="expires" name="expires">
            <option value="0">As long as it exists</option>
            <option value="7">7 days</option>
            <option value="30">30 days</option>
            <option value="365">A year</option>
          </select>
        </div>
        <button type="submit">Make a link</button>
      </form>
    </Card>
  );
}

export function Team({ visit, data: { members, invitations, newInvitation, problem } }: SectionProps): VNode {
  return (
    <Card title="Team" id="team-title">
      <p class="hint">
        Viewers look. Admins change the settings, too. Only you, the owner, change the team or delete the
        site.
      </p>
      {newInvitation !== undefined && (
        <>
          {newInvitation.delivery?.ok === false && (
            <Notice kind="wrong">
              The mail to {newInvitation.email} was not sent. {newInvitation.delivery.failure.sentence}
            </Notice>
          )}
          <Once
            id="new-invitation"
            title={
              newInvitation.delivery?.ok === true
                ? `${newInvitation.email} has mail.`
                : `Send this link to ${newInvitation.email}.`
            }
            text={`It is good once, for seven days, and makes them ${newInvitation.role === 'admin' ? 'an admin' : 'a viewer'}. It is shown only now.`}
            address={newInvitation.address}
          />
        </>
      )}
      {members.length + invitations.length > 0 && (
        <ul class="lines">
          {members.map((member) => (
            <li>
              <div>
                <strong>{member.email}</strong>
                <span class="tag">{member.role}</span>
              </div>
              <RemoveButton
                visit={visit}
                to="members/remove"
                name="account"
                value={member.accountId}
                label={member.email}
              />
            </li>
          ))}
          {invitations.map(({ email, role, expiresAtMs }) => (
            <li>
              <div>
                {email}
                <span class="tag">invited as {role}</span>
                <p class="hint">until {date(expiresAtMs)}</p>
              </div>
            </li>
          ))}
        </ul>
      )}
      <form method="post" action={`/dashboard/sites/${visit.site.id}/settings/members`} class="inline-form">
        <Csrf frame={visit.frame} />
        <Field
          name="email"
          label="E-mail address"
          type="email"
          required
          maxlength={254}
          autocomplete="off"
          error={problem?.at === 'email' ? problem.text : undefined}
        />
        <div class="field">
          <label for="role">Role</label>
          <select id="role" name="role">
            <option value="viewer">Viewer</option>
            <option value="admin">Admin</option>
          </select>
        </div>
        <button type="submit">Invite</button>
      </form>
    </Card>
  );
}

export function Exports({ visit: { site } }: { visit: SiteVisit }): VNode {
  const base = `/dashboard/sites/${site.id}/settings/export`;
  return (
    <Card title="Export" id="export-title">
      <p class="hint">Every stored event, newest first. Yours to take.</p>
      <div class="row">
        <a class="button" href={`${base}.csv`} download>
          Download CSV
        </a>
        <a class="button" href={`${base}.ndjson`} download>
          Download NDJSON
        </a>
      </div>
    </Card>
  );
}

export function DeleteSite({ visit: { site, frame }, data: { problem } }: SectionProps): VNode {
  return (
    <Card title="Delete the site" id="delete-title">
      <p class="hint">
        Its events, keys, goals and links are gone for good. Pages that still carry its key are told so.
      </p>
      <form method="post" action={`/dashboard/sites/${site.id}/settings/delete`} class="inline-form">
        <Csrf frame={frame} />
        <Field
          name="confirm"
          label={`Type ${shownDomain(site.domain)} to confirm`}
          required
          autocomplete="off"
          error={problem?.at === 'confirm' ? problem.text : undefined}
        />
        <button type="submit" class="danger">
          Delete {shownDomain(site.domain)}
        </button>
      </form>
    </Card>
  );
}
