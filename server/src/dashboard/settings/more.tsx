import type { VNode } from 'preact';
import { GOAL_MAX_CHARS } from '../../app/goals.ts';
import { NAME_MAX_CHARS } from '../../app/inputs.ts';
import { PASSWORD_MAX_CHARS } from '../../app/passwords.ts';
import { shownDomain } from '../../domain/hosts.ts';
import { displayPage } from '../../domain/page-path.ts';
import { EmailField } from '../kit/credential-fields.tsx';
import { Card, Copyable, Notice } from '../kit/elements.tsx';
import { errorAt, Field, SelectField } from '../kit/form.tsx';
import { date, isolated } from '../kit/format.ts';
import type { SiteRequest } from '../kit/parts.ts';
import { REPORT_PARTS } from '../report/appearance.ts';
import { Once, type SectionProps, SettingsButton, SettingsForm } from './elements.tsx';
import { SETTINGS_TEXT } from './text.ts';

/** Further settings of a site: goals, public links, team, exports, deletion. */

export function Goals({ request, data: { goals, problem } }: SectionProps): VNode {
  return (
    <Card title={SETTINGS_TEXT.goals} id="goals-title">
      <p class="hint">{SETTINGS_TEXT.goalsHint}</p>
      {goals.length > 0 && (
        <ul class="lines">
          {goals.map((goal) => (
            <li>
              <div>
                <strong>
                  <bdi>{goal.kind === 'page' ? displayPage(goal.pattern) : goal.pattern}</bdi>
                </strong>
                <span class="tag">{goal.kind}</span>
              </div>
              <SettingsButton
                request={request}
                to="goals/remove"
                hidden={{ id: goal.id }}
                label={SETTINGS_TEXT.remove}
                about={goal.pattern}
              />
            </li>
          ))}
        </ul>
      )}
      <SettingsForm request={request} to="goals" class="inline-form">
        <SelectField name="kind" label={SETTINGS_TEXT.goalType}>
          <option value="event">{SETTINGS_TEXT.goalKinds.event}</option>
          <option value="page">{SETTINGS_TEXT.goalKinds.page}</option>
        </SelectField>
        <Field
          name="pattern"
          label={SETTINGS_TEXT.goalPattern}
          required
          maxlength={GOAL_MAX_CHARS}
          placeholder={SETTINGS_TEXT.goalExample}
          error={errorAt(problem, 'pattern')}
        />
        <button type="submit">{SETTINGS_TEXT.addGoal}</button>
      </SettingsForm>
    </Card>
  );
}

export function Shares({ request, data: { shares, newShare, problem } }: SectionProps): VNode {
  return (
    <Card title={SETTINGS_TEXT.shares} id="shares-title">
      <p class="hint">{SETTINGS_TEXT.sharesHint}</p>
      {newShare !== undefined && (
        <>
          <Once
            id="new-share"
            title={SETTINGS_TEXT.shareReady(isolated(newShare.name))}
            text={SETTINGS_TEXT.shareOnce}
            address={newShare.address}
          />
          {newShare.isEmbeddable && <EmbedHelp address={newShare.address} />}
        </>
      )}
      {shares.length > 0 && (
        <ul class="lines">
          {shares.map((share) => (
            <li>
              <div>
                <strong>
                  <bdi>{share.name}</bdi>
                </strong>
                {share.passwordHash !== null && <span class="tag">{SETTINGS_TEXT.withPassword}</span>}
                <p class="hint">
                  {SETTINGS_TEXT.created(date(share.createdAtMs))}
                  {share.embedHosts.length > 0 &&
                    ` · ${SETTINGS_TEXT.embeddedOn(share.embedHosts.map(shownDomain).join(', '))}`}
                  {share.expiresAtMs !== null && ` · ${SETTINGS_TEXT.expires(date(share.expiresAtMs))}`}
                </p>
              </div>
              <SettingsButton
                request={request}
                to="shares/remove"
                hidden={{ id: share.id }}
                label={SETTINGS_TEXT.remove}
                about={share.name}
              />
            </li>
          ))}
        </ul>
      )}
      <SettingsForm request={request} to="shares" class="inline-form">
        <Field
          name="name"
          label={SETTINGS_TEXT.shareName}
          required
          maxlength={NAME_MAX_CHARS}
          placeholder={SETTINGS_TEXT.shareExample}
          error={errorAt(problem, 'name')}
        />
        <Field
          name="share-password"
          label={SETTINGS_TEXT.sharePassword}
          type="password"
          autocomplete="new-password"
          maxlength={PASSWORD_MAX_CHARS}
          error={errorAt(problem, 'share-password')}
        />
        <Field
          name="embed-hosts"
          label={SETTINGS_TEXT.embedHosts}
          placeholder="www.example.com"
          error={errorAt(problem, 'embed-hosts')}
        />
        <SelectField name="expires" label={SETTINGS_TEXT.shareExpires}>
          <option value="0">{SETTINGS_TEXT.never}</option>
          <option value="7">{SETTINGS_TEXT.days7}</option>
          <option value="30">{SETTINGS_TEXT.days30}</option>
          <option value="365">{SETTINGS_TEXT.year}</option>
        </SelectField>
        <button type="submit">{SETTINGS_TEXT.createLink}</button>
      </SettingsForm>
    </Card>
  );
}

/** The code that shows a report on another page, and what can be changed about it. */
function EmbedHelp({ address }: { address: string }): VNode {
  return (
    <>
      <p class="hint">{SETTINGS_TEXT.embedHint(REPORT_PARTS)}</p>
      <Copyable
        id="embed-code"
        label={SETTINGS_TEXT.embedCode}
        text={`<iframe src="${address}?frame=none&theme=light&range=28d" title="Report" width="100%" height="900" loading="lazy"></iframe>`}
      />
    </>
  );
}

export function Team({
  request,
  data: { members, invitations, newInvitation, problem },
}: SectionProps): VNode {
  return (
    <Card title={SETTINGS_TEXT.team} id="team-title">
      <p class="hint">{SETTINGS_TEXT.teamHint}</p>
      {newInvitation !== undefined && (
        <>
          {newInvitation.delivery?.ok === false && (
            <Notice kind="wrong">
              {SETTINGS_TEXT.notSent(newInvitation.email, newInvitation.delivery.failure.sentence)}
            </Notice>
          )}
          <Once
            id="new-invitation"
            title={
              newInvitation.delivery?.ok === true
                ? SETTINGS_TEXT.invited(newInvitation.email)
                : SETTINGS_TEXT.sendLink(newInvitation.email)
            }
            text={SETTINGS_TEXT.invitationOnce(newInvitation.role)}
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
              <SettingsButton
                request={request}
                to="members/remove"
                hidden={{ account: member.accountId }}
                label={SETTINGS_TEXT.remove}
                about={member.email}
              />
            </li>
          ))}
          {invitations.map(({ email, role, expiresAtMs }) => (
            <li>
              <div>
                {email}
                <span class="tag">{SETTINGS_TEXT.invitedAs(role)}</span>
                <p class="hint">{SETTINGS_TEXT.expires(date(expiresAtMs))}</p>
              </div>
              <SettingsButton
                request={request}
                to="members/withdraw"
                hidden={{ email }}
                label={SETTINGS_TEXT.withdraw}
                about={email}
              />
            </li>
          ))}
        </ul>
      )}
      <SettingsForm request={request} to="members" class="inline-form">
        <EmailField autocomplete="off" error={errorAt(problem, 'email')} />
        <SelectField name="role" label={SETTINGS_TEXT.role}>
          <option value="viewer">{SETTINGS_TEXT.viewer}</option>
          <option value="admin">{SETTINGS_TEXT.admin}</option>
        </SelectField>
        <button type="submit">{SETTINGS_TEXT.invite}</button>
      </SettingsForm>
    </Card>
  );
}

export function Exports({ request: { site } }: { request: SiteRequest }): VNode {
  const base = `/dashboard/sites/${site.id}/settings/export`;
  return (
    <Card title={SETTINGS_TEXT.export} id="export-title">
      <p class="hint">{SETTINGS_TEXT.exportHint}</p>
      <div class="row">
        <a class="button" href={`${base}.csv`} download>
          {SETTINGS_TEXT.csv}
        </a>
        <a class="button" href={`${base}.ndjson`} download>
          {SETTINGS_TEXT.ndjson}
        </a>
      </div>
    </Card>
  );
}

export function DeleteSite({ request, data: { problem } }: SectionProps): VNode {
  const domain = shownDomain(request.site.domain);
  return (
    <Card title={SETTINGS_TEXT.delete} id="delete-title">
      <p class="hint">{SETTINGS_TEXT.deleteHint}</p>
      <SettingsForm request={request} to="delete" class="inline-form">
        <Field
          name="confirm"
          label={SETTINGS_TEXT.typeToConfirm(domain)}
          required
          autocomplete="off"
          error={errorAt(problem, 'confirm')}
        />
        <button type="submit" class="danger">
          {SETTINGS_TEXT.deleteSite(domain)}
        </button>
      </SettingsForm>
    </Card>
  );
}
