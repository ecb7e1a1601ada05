import { readAgent } from '../../domain/user-agents/read-agent.ts';

/** Returns a label by which users recognize their browser. Nothing else of its user agent is stored. */
export function browserLabel(userAgent: string): string {
  const agent = readAgent(userAgent);
  const { browser, os } = agent.crawler === null ? agent : { browser: null, os: null };
  if (browser === null && os === null) return 'Unknown browser';
  return [browser ?? 'Browser', os].filter((name) => name !== null).join(' on ');
}
