/**
 * AI assistants by name, with hosts and other values of `utm_source`, as in `sources.ts`. Many
 * assistants' apps send no referrer at all. Compiled in November 2026 and compared with AIAssistants.yml of
 * https://github.com/matomo-org/searchengine-and-social-list (CC0).
 */
export const ASSISTANTS: Readonly<Record<string, { hosts: readonly string[]; tags?: readonly string[] }>> = {
  // ChatGPT adds utm_source=chatgpt.com to the links it shows.
  ChatGPT: {
    hosts: ['chatgpt.com', 'chat.openai.com', 'com.openai.chatgpt'],
    tags: ['chatgpt', 'openai', 'openai.com'],
  },
  Claude: { hosts: ['claude.ai', 'claude.com', 'com.anthropic.claude'], tags: ['claude', 'anthropic'] },
  Gemini: {
    hosts: ['gemini.google.com', 'bard.google.com', 'com.google.android.apps.bard'],
    tags: ['gemini', 'bard'],
  },
  NotebookLM: { hosts: ['notebooklm.google.com', 'notebooklm.google'], tags: ['notebooklm'] },
  Copilot: {
    hosts: [
      ...['copilot.microsoft.com', 'copilot.cloud.microsoft', 'm365.cloud.microsoft', 'm365copilot.com'],
      ...['bing.com/chat', 'edgeservices.bing.com', 'com.microsoft.copilot'],
      'bing.com/copilotsearch',
      'copilot.com',
    ],
    tags: ['copilot', 'bing-chat'],
  },
  'GitHub Copilot': { hosts: ['copilot.github.com', 'github.com/copilot'] },
  Perplexity: { hosts: ['perplexity.ai', 'ai.perplexity.app.android'], tags: ['perplexity'] },
  DeepSeek: { hosts: ['chat.deepseek.com', 'deepseek.com', 'com.deepseek.chat'], tags: ['deepseek'] },
  Grok: { hosts: ['grok.com', 'x.ai', 'x.com/i/grok', 'twitter.com/i/grok', 'ai.x.grok'], tags: ['grok'] },
  Mistral: { hosts: ['chat.mistral.ai', 'mistral.ai'], tags: ['mistral', 'lechat', 'le-chat'] },
  'Meta AI': { hosts: ['meta.ai'], tags: ['metaai', 'meta-ai'] },
  You: { hosts: ['you.com'] },
  Kagi: { hosts: ['kagi.com/assistant', 'assistant.kagi.com', 'kagi.com/fastgpt'] },
  Phind: { hosts: ['phind.com'], tags: ['phind'] },
  'Duck.ai': { hosts: ['duck.ai', 'duckduckgo.com/aichat'], tags: ['duckai'] },
  Poe: { hosts: ['poe.com', 'com.poe.android'] },
  Qwen: { hosts: ['chat.qwen.ai', 'qwen.ai', 'tongyi.aliyun.com'], tags: ['qwen'] },
  Kimi: { hosts: ['kimi.com', 'kimi.ai', 'kimi.moonshot.cn'], tags: ['kimi'] },
  Doubao: { hosts: ['doubao.com'], tags: ['doubao'] },
  ChatGLM: { hosts: ['chatglm.cn', 'z.ai', 'chat.z.ai'] },
  'Baidu AI': {
    hosts: ['yiyan.baidu.com', 'chat.baidu.com', 'ai.baidu.com', 'ernie.baidu.com', 'wenxin.baidu.com'],
  },
  Yuanbao: { hosts: ['yuanbao.tencent.com'] },
  Alice: { hosts: ['alice.yandex.*', 'ya.ru/ai', 'ya.ru/alisa'] },
  'CLOVA X': { hosts: ['clova-x.naver.com'] },
  'Google AI Studio': { hosts: ['aistudio.google.com'] },
  'Character.AI': { hosts: ['character.ai'] },
  HuggingChat: { hosts: ['huggingface.co/chat'] },
  Lumo: { hosts: ['lumo.proton.me'] },
  iAsk: { hosts: ['iask.ai'], tags: ['iask'] },
  Jasper: { hosts: ['app.jasper.ai'] },
  Felo: { hosts: ['felo.ai'] },
  Genspark: { hosts: ['genspark.ai'], tags: ['genspark'] },
  Manus: { hosts: ['manus.im'], tags: ['manus'] },
  Andi: { hosts: ['andisearch.com'] },
  Consensus: { hosts: ['consensus.app'] },
  Elicit: { hosts: ['elicit.com'] },
  T3: { hosts: ['t3.chat'] },
  LMArena: { hosts: ['lmarena.ai'] },
  OpenRouter: { hosts: ['openrouter.ai/chat'] },
  Pi: { hosts: ['pi.ai'] },
  MiniMax: { hosts: ['chat.minimax.io', 'agent.minimax.io'] },
  Metaso: { hosts: ['metaso.cn'] },
  Monica: { hosts: ['monica.im'] },
  GigaChat: { hosts: ['giga.chat'] },
  Chatsonic: { hosts: ['app.writesonic.com'] },
};
