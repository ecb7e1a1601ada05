import type { VNode } from 'preact';
import type { DryRun } from '../../ledger.ts';
import type { Delivery } from '../../mailer.ts';
import type { Goal, HostRules, KeyUse, Member, Share, SiteKey, Ticket } from '../../store/store.ts';
import type { SiteVisit } from '../parts.ts';
import { Copyable } from './parts.tsx';

/** What stricter host rules would have refused. */
export interface HostsRun extends DryRun {
  rules: HostRules;
  days: number;
}

/** What exclusions would have left out. */
export interface ExclusionsRun {
  days: number;
  counted: number;
  leftOut: number;
  pages: readonly string[];
  countries: readonly string[];
}

export interface SettingsData {
  keys: readonly SiteKey[];
  uses: readonly KeyUse[];
  goals: readonly Goal[];
  shares: readonly Share[];
  members: readonly Member[];
  invitations: readonly Ticket[];
  mayOwn: boolean;
  nowMs: number;
  defaultRetentionDays: number | null;
  timeZones: readonly string[];
  /** The time zone of the owner's account. */
  ownersZone: string;
  /** Whether the country of every visitor can be told, and not only by the browser's time zone. */
  knowsCountries: boolean;
  /** What was just done. */
  done: string | null;
  /** What is wrong, and with which field. */
  problem?: { at: string; text: string };
  dryRun?: HostsRun;
  exclusionsRun?: ExclusionsRun;
  /** In place of what is kept, while it is not saved. */
  typedExclusions?: { pages: string; countries: string };
  newShare?: { name: string; address: string };
  /** `delivery`: what became of the mail, where one was sent. */
  newInvitation?: { email: string; role: string; address: string; delivery?: Delivery };
}

export interface SectionProps {
  visit: SiteVisit;
  data: SettingsData;
}

/** Something that is shown only this once. */
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
        <Copyable id={id} text={address} label="the link" />
      </div>
    </div>
  );
}
