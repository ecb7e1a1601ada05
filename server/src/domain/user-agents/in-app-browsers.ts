/**
 * Browsers inside apps, and browsers that look like another one, by a pattern of the user agent. The first match wins.
 * Compiled in November 2026 from public collections of user agents.
 */
export const IN_APP_BROWSERS: readonly { name: string; pattern: RegExp }[] = [
  { name: 'Messenger', pattern: /\bFBAN\/Messenger|\bFB_IAB\/Orca|MessengerForiOS/ },
  { name: 'Facebook', pattern: /\bFBA[NV]\/|\bFB_IAB\// },
  { name: 'Threads', pattern: /\bBarcelona \d/ },
  { name: 'Instagram', pattern: /\bInstagram \d/ },
  { name: 'TikTok', pattern: /musical_ly|BytedanceWebview|\btrill_|\bTikTok/ },
  { name: 'Snapchat', pattern: /\bSnapchat[/ ]/ },
  { name: 'LinkedIn', pattern: /\bLinkedInApp\b/ },
  { name: 'Pinterest', pattern: /\[Pinterest\/|\bPinterest for / },
  { name: 'X', pattern: /\bTwitter(Android| for )/ },
  { name: 'Reddit', pattern: /\bReddit\// },
  { name: 'WeChat', pattern: /\bMicroMessenger\// },
  { name: 'Line', pattern: /\bLine\/\d/ },
  { name: 'KakaoTalk', pattern: /\bKAKAOTALK\b/ },
  { name: 'Naver', pattern: /\bNAVER\(inapp/ },
  { name: 'Telegram', pattern: /\bTelegram-Android\// },
  { name: 'Google Search', pattern: /\bGSA\// },
  { name: 'DuckDuckGo', pattern: /\bDuckDuckGo\/|\bDdg\// },
];
