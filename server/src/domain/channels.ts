/** The channels of visits. They are stored by position, so new ones go at the end. The API calls `ai` a *referral*. */
export const CHANNELS = ['direct', 'search', 'social', 'email', 'campaign', 'referral', 'ai'] as const;
export type Channel = (typeof CHANNELS)[number];

/** The display name of each channel. */
export const CHANNEL_LABELS: Readonly<Record<Channel, string>> = {
  direct: 'Direct',
  search: 'Search',
  social: 'Social',
  email: 'Email',
  campaign: 'Campaign',
  referral: 'Other sites',
  ai: 'AI assistants',
};

/** Whether a word is the name of a channel. */
export function isChannel(word: string): word is Channel {
  return CHANNELS.some((channel) => channel === word);
}
