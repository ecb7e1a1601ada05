/** The purpose of a crawler. */
export type BotClass =
  | 'ai-training'
  | 'ai-search'
  | 'ai-user'
  | 'search'
  | 'seo'
  | 'monitor'
  | 'headless'
  | 'other';

export interface Crawler {
  name: string;
  company: string | null;
  botClass: BotClass;
}

/** A crawler of the list. */
interface ListedCrawler extends Crawler {
  /** Whether an app of the same name contains a browser. Then the name alone does not identify a crawler. */
  isApp?: true;
}

/** Browsers that the library mistakes for crawlers: Sogou is also a search engine. */
export const PEOPLE = /\bSogou(?:MSE|MobileBrowser|Search)\b/;

/**
 * Crawlers and tools by their names in user agents, the more specific ones first. Only names in this list are stored, because
 * the rest of a user agent could identify a person.
 *
 * Compiled in November 2026 from the documentation of their companies; names compared with
 * https://github.com/ai-robots-txt/ai.robots.txt (MIT) and https://github.com/omrilotan/isbot (Unlicense).
 * `ai-user`: fetches a page because a person just asked for it.
 */
export const CRAWLERS: readonly ListedCrawler[] = [
  // Language models: training
  { name: 'GPTBot', company: 'OpenAI', botClass: 'ai-training' },
  { name: 'ClaudeBot', company: 'Anthropic', botClass: 'ai-training' },
  { name: 'anthropic-ai', company: 'Anthropic', botClass: 'ai-training' },
  { name: 'Google-CloudVertexBot', company: 'Google', botClass: 'ai-training' },
  { name: 'meta-externalagent', company: 'Meta', botClass: 'ai-training' },
  { name: 'FacebookBot', company: 'Meta', botClass: 'ai-training' },
  { name: 'Bytespider', company: 'ByteDance', botClass: 'ai-training' },
  { name: 'TikTokSpider', company: 'ByteDance', botClass: 'ai-training' },
  { name: 'CCBot', company: 'Common Crawl', botClass: 'ai-training' },
  { name: 'cohere-training-data-crawler', company: 'Cohere', botClass: 'ai-training' },
  { name: 'DeepSeekBot', company: 'DeepSeek', botClass: 'ai-training' },
  { name: 'PanguBot', company: 'Huawei', botClass: 'ai-training' },
  { name: 'AI2Bot', company: 'Ai2', botClass: 'ai-training' },
  { name: 'Diffbot', company: 'Diffbot', botClass: 'ai-training' },
  { name: 'omgili', company: 'Webz.io', botClass: 'ai-training' },
  { name: 'webzio', company: 'Webz.io', botClass: 'ai-training' },
  { name: 'Timpibot', company: 'Timpi', botClass: 'ai-training' },
  { name: 'ImagesiftBot', company: 'ImageSift', botClass: 'ai-training' },
  { name: 'ChatGLM-Spider', company: 'Zhipu AI', botClass: 'ai-training' },
  // Language models: search
  { name: 'OAI-SearchBot', company: 'OpenAI', botClass: 'ai-search' },
  { name: 'Claude-SearchBot', company: 'Anthropic', botClass: 'ai-search' },
  { name: 'PerplexityBot', company: 'Perplexity', botClass: 'ai-search' },
  { name: 'meta-webindexer', company: 'Meta', botClass: 'ai-search' },
  { name: 'Amzn-SearchBot', company: 'Amazon', botClass: 'ai-search' },
  { name: 'AzureAI-SearchBot', company: 'Microsoft', botClass: 'ai-search' },
  { name: 'YouBot', company: 'You.com', botClass: 'ai-search' },
  { name: 'PhindBot', company: 'Phind', botClass: 'ai-search' },
  { name: 'Andibot', company: 'Andi', botClass: 'ai-search' },
  { name: 'Amazonbot', company: 'Amazon', botClass: 'ai-search' },
  { name: 'iaskspider', company: 'iAsk', botClass: 'ai-search' },
  { name: 'LinerBot', company: 'Liner', botClass: 'ai-search' },
  // Language models: on behalf of a person
  { name: 'ChatGPT-User', company: 'OpenAI', botClass: 'ai-user' },
  { name: 'ChatGPT Agent', company: 'OpenAI', botClass: 'ai-user' },
  { name: 'Claude-User', company: 'Anthropic', botClass: 'ai-user' },
  { name: 'Claude-Code', company: 'Anthropic', botClass: 'ai-user' },
  { name: 'Claude-Web', company: 'Anthropic', botClass: 'ai-user' },
  { name: 'Perplexity-User', company: 'Perplexity', botClass: 'ai-user' },
  { name: 'MistralAI-User', company: 'Mistral', botClass: 'ai-user' },
  { name: 'Gemini-Deep-Research', company: 'Google', botClass: 'ai-user' },
  { name: 'Google-NotebookLM', company: 'Google', botClass: 'ai-user' },
  { name: 'GoogleAgent-Mariner', company: 'Google', botClass: 'ai-user' },
  { name: 'meta-externalfetcher', company: 'Meta', botClass: 'ai-user' },
  { name: 'Amzn-User', company: 'Amazon', botClass: 'ai-user' },
  { name: 'NovaAct', company: 'Amazon', botClass: 'ai-user' },
  { name: 'DuckAssistBot', company: 'DuckDuckGo', botClass: 'ai-user' },
  { name: 'cohere-ai', company: 'Cohere', botClass: 'ai-user' },
  { name: 'Devin', company: 'Cognition', botClass: 'ai-user' },
  { name: 'Manus-User', company: 'Manus', botClass: 'ai-user' },
  // Search
  { name: 'AdsBot-Google', company: 'Google', botClass: 'search' },
  { name: 'Mediapartners-Google', company: 'Google', botClass: 'search' },
  { name: 'Storebot-Google', company: 'Google', botClass: 'search' },
  { name: 'Google-InspectionTool', company: 'Google', botClass: 'search' },
  { name: 'GoogleOther', company: 'Google', botClass: 'search' },
  { name: 'Googlebot', company: 'Google', botClass: 'search' },
  { name: 'adidxbot', company: 'Microsoft', botClass: 'search' },
  { name: 'BingPreview', company: 'Microsoft', botClass: 'search' },
  { name: 'bingbot', company: 'Microsoft', botClass: 'search' },
  { name: 'Applebot', company: 'Apple', botClass: 'search' },
  { name: 'YandexBot', company: 'Yandex', botClass: 'search' },
  { name: 'Baiduspider', company: 'Baidu', botClass: 'search' },
  { name: 'DuckDuckBot', company: 'DuckDuckGo', botClass: 'search' },
  { name: 'Bravebot', company: 'Brave', botClass: 'search' },
  { name: 'PetalBot', company: 'Huawei', botClass: 'search' },
  { name: 'Sogou', company: 'Sogou', botClass: 'search', isApp: true },
  { name: 'SeznamBot', company: 'Seznam', botClass: 'search' },
  { name: 'Yeti', company: 'Naver', botClass: 'search' },
  { name: 'Qwantify', company: 'Qwant', botClass: 'search' },
  { name: 'MojeekBot', company: 'Mojeek', botClass: 'search' },
  { name: 'Slurp', company: 'Yahoo', botClass: 'search' },
  // Search engine optimizers
  { name: 'AhrefsBot', company: 'Ahrefs', botClass: 'seo' },
  { name: 'AhrefsSiteAudit', company: 'Ahrefs', botClass: 'seo' },
  { name: 'SemrushBot', company: 'Semrush', botClass: 'seo' },
  { name: 'SiteAuditBot', company: 'Semrush', botClass: 'seo' },
  { name: 'MJ12bot', company: 'Majestic', botClass: 'seo' },
  { name: 'DotBot', company: 'Moz', botClass: 'seo' },
  { name: 'rogerbot', company: 'Moz', botClass: 'seo' },
  { name: 'DataForSeoBot', company: 'DataForSEO', botClass: 'seo' },
  { name: 'serpstatbot', company: 'Serpstat', botClass: 'seo' },
  { name: 'BLEXBot', company: 'SEO PowerSuite', botClass: 'seo' },
  { name: 'Screaming Frog', company: 'Screaming Frog', botClass: 'seo' },
  { name: 'SEOkicks', company: 'SEOkicks', botClass: 'seo' },
  // Monitoring
  { name: 'UptimeRobot', company: 'UptimeRobot', botClass: 'monitor' },
  { name: 'Pingdom', company: 'SolarWinds', botClass: 'monitor' },
  { name: 'StatusCake', company: 'StatusCake', botClass: 'monitor' },
  { name: 'Better Uptime', company: 'Better Stack', botClass: 'monitor' },
  { name: 'Site24x7', company: 'Zoho', botClass: 'monitor' },
  { name: 'Datadog', company: 'Datadog', botClass: 'monitor' },
  { name: 'GoogleStackdriverMonitoring', company: 'Google', botClass: 'monitor' },
  { name: 'Lighthouse', company: 'Google', botClass: 'monitor' },
  { name: 'GTmetrix', company: 'GTmetrix', botClass: 'monitor' },
  { name: 'PTST', company: 'Catchpoint', botClass: 'monitor' },
  { name: 'Checkly', company: 'Checkly', botClass: 'monitor' },
  { name: 'DebugBear', company: 'DebugBear', botClass: 'monitor' },
  { name: 'NewRelicPinger', company: 'New Relic', botClass: 'monitor' },
  { name: 'RuxitSynthetic', company: 'Dynatrace', botClass: 'monitor' },
  { name: 'Uptime-Kuma', company: null, botClass: 'monitor' },
  // Automated browsers
  { name: 'HeadlessChrome', company: null, botClass: 'headless' },
  { name: 'Playwright', company: null, botClass: 'headless' },
  { name: 'Puppeteer', company: null, botClass: 'headless' },
  { name: 'Selenium', company: null, botClass: 'headless' },
  { name: 'PhantomJS', company: null, botClass: 'headless' },
  { name: 'Cypress', company: null, botClass: 'headless' },
  { name: 'jsdom', company: null, botClass: 'headless' },
  { name: 'HappyDOM', company: null, botClass: 'headless' },
  { name: 'Zombie.js', company: null, botClass: 'headless' },
  { name: 'HtmlUnit', company: null, botClass: 'headless' },
  { name: 'SlimerJS', company: null, botClass: 'headless' },
  { name: 'Lightpanda', company: 'Lightpanda', botClass: 'headless' },
  { name: 'TestCafe', company: null, botClass: 'headless' },
  { name: 'WebDriver', company: null, botClass: 'headless' },
  { name: 'Rendertron', company: null, botClass: 'headless' },
  { name: 'Prerender', company: null, botClass: 'headless' },
  // Previews, archives, tools
  { name: 'facebookexternalhit', company: 'Meta', botClass: 'other' },
  { name: 'facebookcatalog', company: 'Meta', botClass: 'other' },
  { name: 'WhatsApp', company: 'Meta', botClass: 'other', isApp: true },
  { name: 'Twitterbot', company: 'X', botClass: 'other' },
  { name: 'LinkedInBot', company: 'LinkedIn', botClass: 'other' },
  { name: 'Slackbot', company: 'Slack', botClass: 'other' },
  { name: 'Slack-ImgProxy', company: 'Slack', botClass: 'other' },
  { name: 'Discordbot', company: 'Discord', botClass: 'other' },
  { name: 'TelegramBot', company: 'Telegram', botClass: 'other' },
  { name: 'Pinterestbot', company: 'Pinterest', botClass: 'other' },
  { name: 'redditbot', company: 'Reddit', botClass: 'other' },
  { name: 'Bluesky Cardyb', company: 'Bluesky', botClass: 'other' },
  { name: 'Mastodon', company: null, botClass: 'other', isApp: true },
  { name: 'SkypeUriPreview', company: 'Microsoft', botClass: 'other' },
  { name: 'archive.org_bot', company: 'Internet Archive', botClass: 'other' },
  { name: 'ia_archiver', company: 'Internet Archive', botClass: 'other' },
  { name: 'Feedly', company: 'Feedly', botClass: 'other', isApp: true },
  { name: 'curl', company: null, botClass: 'other' },
  { name: 'Wget', company: null, botClass: 'other' },
  { name: 'python-requests', company: null, botClass: 'other' },
  { name: 'python-httpx', company: null, botClass: 'other' },
  { name: 'aiohttp', company: null, botClass: 'other' },
  { name: 'Scrapy', company: null, botClass: 'other' },
  { name: 'Go-http-client', company: null, botClass: 'other' },
  { name: 'node-fetch', company: null, botClass: 'other' },
  { name: 'undici', company: null, botClass: 'other' },
  { name: 'axios', company: null, botClass: 'other' },
  { name: 'okhttp', company: null, botClass: 'other' },
  { name: 'Apache-HttpClient', company: null, botClass: 'other' },
  { name: 'PostmanRuntime', company: null, botClass: 'other' },
];
