import type { Channel } from '../../domain/channels.ts';

/**
 * Well-known sources by name, with the hosts that refer visitors (including all subdomains; names of Android apps count as
 * hosts) and other values of `utm_source`. A host that ends in `.*` stands for that host in every country. Compiled in November
 * 2026 and compared with SearchEngines.yml and Socials.yml of https://github.com/matomo-org/searchengine-and-social-list (CC0).
 */
type Sources = Readonly<Record<string, { hosts: readonly string[]; tags?: readonly string[] }>>;

export const SEARCH_ENGINES: Sources = {
  Google: {
    hosts: ['google.*', 'com.google.android.googlequicksearchbox', 'com.google.android.gms'],
    tags: ['google', 'adwords', 'google-ads'],
  },
  Bing: { hosts: ['bing.com', 'cn.bing.com'], tags: ['bing'] },
  DuckDuckGo: { hosts: ['duckduckgo.com', 'com.duckduckgo.mobile.android'], tags: ['duckduckgo', 'ddg'] },
  Yahoo: { hosts: ['search.yahoo.com', 'search.yahoo.co.jp'], tags: ['yahoo'] },
  Yandex: { hosts: ['yandex.*', 'ya.ru'], tags: ['yandex'] },
  Baidu: { hosts: ['baidu.com'], tags: ['baidu'] },
  Ecosia: { hosts: ['ecosia.org'], tags: ['ecosia'] },
  Qwant: { hosts: ['qwant.com'], tags: ['qwant'] },
  Brave: { hosts: ['search.brave.com'], tags: ['brave'] },
  Startpage: { hosts: ['startpage.com'] },
  Kagi: { hosts: ['kagi.com'] },
  Mojeek: { hosts: ['mojeek.com', 'mojeek.co.uk'] },
  Naver: { hosts: ['search.naver.com', 'm.search.naver.com'], tags: ['naver'] },
  Daum: { hosts: ['search.daum.net'] },
  Seznam: { hosts: ['search.seznam.cz'], tags: ['seznam'] },
  Sogou: { hosts: ['sogou.com'] },
  '360 Search': { hosts: ['so.com'] },
  Shenma: { hosts: ['sm.cn'] },
  Petal: { hosts: ['petalsearch.com'] },
  'Cốc Cốc': { hosts: ['coccoc.com'] },
  Ask: { hosts: ['ask.com'] },
  AOL: { hosts: ['search.aol.com'] },
  Swisscows: { hosts: ['swisscows.com'] },
  MetaGer: { hosts: ['metager.org', 'metager.de'] },
  Presearch: { hosts: ['presearch.com'] },
  SearXNG: { hosts: ['searx.be', 'searxng.site'] },
};

export const SOCIAL_SITES: Sources = {
  Facebook: {
    hosts: ['facebook.com', 'fb.com', 'fb.me', 'com.facebook.katana', 'com.facebook.lite'],
    tags: ['facebook', 'fb'],
  },
  Messenger: { hosts: ['messenger.com', 'm.me', 'com.facebook.orca'], tags: ['messenger'] },
  Instagram: { hosts: ['instagram.com', 'com.instagram.android'], tags: ['instagram', 'ig'] },
  Threads: { hosts: ['threads.net', 'threads.com', 'com.instagram.barcelona'], tags: ['threads'] },
  X: { hosts: ['x.com', 'twitter.com', 't.co', 'com.twitter.android'], tags: ['x', 'twitter'] },
  LinkedIn: { hosts: ['linkedin.com', 'lnkd.in', 'com.linkedin.android'], tags: ['linkedin'] },
  Reddit: { hosts: ['reddit.com', 'redd.it', 'com.reddit.frontpage'], tags: ['reddit'] },
  YouTube: { hosts: ['youtube.com', 'youtu.be', 'com.google.android.youtube'], tags: ['youtube', 'yt'] },
  TikTok: { hosts: ['tiktok.com', 'com.zhiliaoapp.musically'], tags: ['tiktok'] },
  Pinterest: { hosts: ['pinterest.*', 'pin.it', 'com.pinterest'], tags: ['pinterest'] },
  Snapchat: { hosts: ['snapchat.com', 'com.snapchat.android'], tags: ['snapchat'] },
  WhatsApp: { hosts: ['whatsapp.com', 'wa.me', 'com.whatsapp'], tags: ['whatsapp'] },
  Telegram: { hosts: ['telegram.org', 't.me', 'org.telegram.messenger'], tags: ['telegram'] },
  Discord: { hosts: ['discord.com', 'discordapp.com', 'discord.gg', 'com.discord'], tags: ['discord'] },
  Slack: { hosts: ['slack.com', 'com.slack'], tags: ['slack'] },
  Bluesky: { hosts: ['bsky.app', 'go.bsky.app', 'xyz.blueskyweb.app'], tags: ['bluesky', 'bsky'] },
  Mastodon: {
    hosts: ['mastodon.social', 'mastodon.online', 'mstdn.social', 'fosstodon.org', 'mas.to'],
    tags: ['mastodon'],
  },
  'Hacker News': { hosts: ['news.ycombinator.com', 'hn.algolia.com'], tags: ['hackernews', 'hn'] },
  Lobsters: { hosts: ['lobste.rs'] },
  'Product Hunt': { hosts: ['producthunt.com'], tags: ['producthunt'] },
  'Stack Overflow': { hosts: ['stackoverflow.com', 'stackexchange.com'] },
  Quora: { hosts: ['quora.com'], tags: ['quora'] },
  Medium: { hosts: ['medium.com'] },
  Tumblr: { hosts: ['tumblr.com'], tags: ['tumblr'] },
  Twitch: { hosts: ['twitch.tv'], tags: ['twitch'] },
  Vimeo: { hosts: ['vimeo.com'] },
  VK: { hosts: ['vk.com', 'vk.ru', 'vkontakte.ru', 'com.vkontakte.android'], tags: ['vk'] },
  Odnoklassniki: { hosts: ['ok.ru', 'odnoklassniki.ru'] },
  Weibo: { hosts: ['weibo.com', 'weibo.cn', 't.cn'], tags: ['weibo'] },
  WeChat: { hosts: ['weixin.qq.com', 'wechat.com', 'com.tencent.mm'], tags: ['wechat'] },
  Zhihu: { hosts: ['zhihu.com'] },
  Xiaohongshu: { hosts: ['xiaohongshu.com'] },
  Line: { hosts: ['line.me', 'jp.naver.line.android'] },
  XING: { hosts: ['xing.com'], tags: ['xing'] },
  Nextdoor: { hosts: ['nextdoor.com'] },
  DEV: { hosts: ['dev.to'] },
};

export const MAIL_SITES: Sources = {
  Gmail: { hosts: ['mail.google.com', 'com.google.android.gm'], tags: ['gmail'] },
  Outlook: {
    hosts: [
      'outlook.live.com',
      'outlook.office.com',
      'outlook.office365.com',
      'mail.live.com',
      'com.microsoft.office.outlook',
    ],
    tags: ['outlook'],
  },
  'Yahoo Mail': { hosts: ['mail.yahoo.com', 'mail.yahoo.co.jp', 'com.yahoo.mobile.client.android.mail'] },
  'Proton Mail': { hosts: ['mail.proton.me', 'mail.protonmail.com'] },
  'iCloud Mail': { hosts: ['www.icloud.com/mail'] },
  Fastmail: { hosts: ['app.fastmail.com', 'fastmail.com'] },
  GMX: { hosts: ['gmx.net', 'gmx.com', 'gmx.de'] },
  'WEB.DE': { hosts: ['web.de'] },
  'Mail.ru': { hosts: ['e.mail.ru', 'mail.ru'] },
  'AOL Mail': { hosts: ['mail.aol.com'] },
  Zoho: { hosts: ['mail.zoho.com', 'mail.zoho.eu'] },
  Substack: { hosts: ['substack.com'], tags: ['substack'] },
  Mailchimp: { hosts: ['mailchi.mp', 'list-manage.com'], tags: ['mailchimp'] },
  Beehiiv: { hosts: ['beehiiv.com'], tags: ['beehiiv'] },
};

/** Other sites with a well-known name. */
export const NAMED_SITES: Sources = {
  GitHub: { hosts: ['github.com', 'com.github.android'], tags: ['github'] },
  GitLab: { hosts: ['gitlab.com'] },
  Wikipedia: { hosts: ['wikipedia.org'] },
  'Google News': { hosts: ['news.google.com', 'com.google.android.apps.magazines'] },
  'Google Docs': {
    hosts: [
      'docs.google.com',
      'sites.google.com',
      'drive.google.com',
      'classroom.google.com',
      'groups.google.com',
    ],
  },
  'Google Chat': { hosts: ['chat.google.com', 'meet.google.com'] },
  'Google Translate': { hosts: ['translate.google.com'] },
  'Microsoft Teams': { hosts: ['teams.microsoft.com', 'teams.live.com', 'statics.teams.cdn.office.net'] },
  Yahoo: { hosts: ['yahoo.com', 'yahoo.co.jp'] },
  Naver: { hosts: ['naver.com'] },
  Notion: { hosts: ['notion.so', 'notion.site'] },
};

/** The channel of each known value of `utm_medium`, in lower case. Any other value means a campaign. */
export const MEDIUMS: Readonly<Record<string, Exclude<Channel, 'direct'>>> = {
  organic: 'search',
  social: 'social',
  'social-network': 'social',
  'social-media': 'social',
  social_media: 'social',
  'organic-social': 'social',
  organic_social: 'social',
  sm: 'social',
  email: 'email',
  'e-mail': 'email',
  e_mail: 'email',
  mail: 'email',
  newsletter: 'email',
  referral: 'referral',
  link: 'referral',
  ai: 'ai',
  llm: 'ai',
  chatbot: 'ai',
};

/** Values of `utm_source` that mean an email. */
export const MAIL_TAGS: readonly string[] = ['newsletter', 'email', 'e-mail', 'mail', 'mailing', 'rss2email'];

/**
 * Parameters that advertising systems add to URLs to identify clicks.
 * https://support.google.com/google-ads/answer/9744275
 * https://learn.microsoft.com/advertising/guides/universal-event-tracking
 */
export const AD_CLICKS: Readonly<Record<string, string>> = {
  gclid: 'Google',
  gbraid: 'Google',
  wbraid: 'Google',
  dclid: 'Google',
  msclkid: 'Bing',
  ttclid: 'TikTok',
  twclid: 'X',
  li_fat_id: 'LinkedIn',
  yclid: 'Yandex',
};
