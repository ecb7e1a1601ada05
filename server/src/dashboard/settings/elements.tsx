import type { ComponentChildren, VNode } from 'preact';
import type { ExclusionsDryRun } from '../../app/exclusions.ts';
import type { HostsDryRun } from '../../app/host-rules.ts';
import type { Delivery } from '../../app/mailer.ts';
import type { UsedSiteKey } from '../../app/site-keys.ts';
import type { ExclusionList } from '../../domain/exclusions.ts';
import type { Goal, HostRules, Member, OneTimeToken, Share } from '../../store/contract/store.ts';
import { Copyable } from '../kit/elements.tsx';
import { ButtonForm, type FieldProblem, Form } from '../kit/form.tsx';
import type { SiteRequest } from '../kit/parts.ts';
import type { SectionId } from './sections.ts';
import { SETTINGS_TEXT } from './text.ts';

/** The exclusions as typed in the form. */
export type TypedRules = Record<ExclusionList, string> & { referrerSpam: boolean; dataCenters: boolean };

/** Returns the field of a list of exclusions. */
export function excludedField(list: ExclusionList): string {
  return `excluded-${list}`;
}

export interface SettingsData {
  /** The section that is shown. */
  section: SectionId;
  keys: readonly UsedSiteKey[];
  goals: readonly Goal[];
  shares: readonly Share[];
  members: readonly Member[];
  invitations: readonly OneTimeToken[];
  nowMs: number;
  defaultRetentionDays: number | null;
  timeZones: readonly string[];
  /** The time zone of the owner's account. */
  ownersZone: string;
  /** Whether there is a database of networks. */
  knowsNetworks: boolean;
  /** The change that was just saved. */
  done: string | null;
  /** The error and its field. */
  problem?: FieldProblem;
  dryRun?: HostsDryRun & { rules: HostRules };
  exclusionsRun?: ExclusionsDryRun;
  /** The hosts as typed, which are shown instead of the saved ones after an error. */
  typedHosts?: string;
  /** The exclusions as typed, which are shown instead of the saved ones until they are saved. */
  typedExclusions?: TypedRules;
  newShare?: { name: string; address: string; isEmbeddable: boolean };
  /** An invitation that was just created. `delivery` is the result of the email, if one was sent. */
  newInvitation?: { email: string; role: string; address: string; delivery?: Delivery };
}

export interface SectionProps {
  request: SiteRequest;
  data: SettingsData;
}

/** The path that a form of a site's settings is sent to. */
function actionOf({ site }: SiteRequest, to: string): string {
  return `/dashboard/sites/${site.id}/settings/${to}`;
}

/** A form of a site's settings. */
export function SettingsForm({
  request,
  to,
  ...form
}: {
  request: SiteRequest;
  to: string;
  class?: 'stack' | 'inline-form';
  children: ComponentChildren;
}): VNode {
  return <Form frame={request.frame} action={actionOf(request, to)} {...form} />;
}

/** A form of a site's settings that consists of one small button. */
export function SettingsButton({
  request,
  to,
  ...button
}: {
  request: SiteRequest;
  to: string;
  hidden: Readonly<Record<string, string>>;
  label: string;
  /** The object of the action, for screen readers. */
  about: string;
}): VNode {
  return <ButtonForm frame={request.frame} action={actionOf(request, to)} {...button} />;
}

/** A secret that is shown only once. */
export function Once({
  id,
  title,
  text,
  address,
}: {
  id: string;
  title: string;
  text: string;
  address: string;
}): VNode {
  return (
    <div class="notice notice-done" role="status">
      <div>
        <p>
          <strong>{title}</strong> {text}
        </p>
        <Copyable id={id} text={address} label={SETTINGS_TEXT.link} />
      </div>
    </div>
  );
}

/** The buttons of a form whose rule can be previewed before it is saved. */
export function SaveOrPreview(): VNode {
  return (
    <div class="row">
      <button type="submit" name="do" value="save" class="primary">
        {SETTINGS_TEXT.save}
      </button>
      <button type="submit" name="do" value="preview">
        {SETTINGS_TEXT.preview}
      </button>
    </div>
  );
}
