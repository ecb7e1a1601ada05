/**
 * Crawlers and tools by the name they go by. A name is kept only from this list: whatever else a user agent says may be
 * about a person. More particular ones first.
 */
export const BOT_NAMES = [
  // Language models
  'GPTBot',
  'OAI-SearchBot',
  'ChatGPT-User',
  'ClaudeBot',
  'Claude-SearchBot',
  'Claude-User',
  'PerplexityBot',
  'Perplexity-User',
  'Google-Extended',
  'meta-externalagent',
  'MistralAI-User',
  'Bytespider',
  'Amazonbot',
  'CCBot',
  'cohere-ai',
  'DuckAssistBot',
  // Search
  'AdsBot-Google',
  'Googlebot',
  'GoogleOther',
  'bingbot',
  'Applebot',
  'YandexBot',
  'Baiduspider',
  'DuckDuckBot',
  'PetalBot',
  'SeznamBot',
  'Yeti',
  // Previews
  'facebookexternalhit',
  'Twitterbot',
  'LinkedInBot',
  'Slackbot',
  'Discordbot',
  'TelegramBot',
  'Pinterestbot',
  // Search engine optimisers and archives
  'AhrefsBot',
  'SemrushBot',
  'MJ12bot',
  'DotBot',
  'archive.org_bot',
  // Watchers, tools and browsers without a person
  'UptimeRobot',
  'Pingdom',
  'Lighthouse',
  'HeadlessChrome',
  'curl',
  'Wget',
  'python-requests',
  'Go-http-client',
] as const;
