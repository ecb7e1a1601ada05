import { readTag } from './config.ts';
import { onNavigate } from './navigation.ts';
import { send } from './send.ts';

interface Global {
  track?: (name: string, props?: Record<string, string | number | boolean>) => void;
  [siteKey: string]: unknown;
}

const start = (script: HTMLScriptElement): void => {
  const { _key, _api, _automation } = readTag(script);
  const page = window as typeof window & { attractos?: Global };
  page.attractos ||= {};
  const attractos = page.attractos;
  // The same tag twice: the first one counts.
  if (attractos[`${_key}`]) return;
  attractos[`${_key}`] = true;

  const post = (fields: object): void => {
    try {
      if (navigator.webdriver && !_automation) return;
      const id = `${Date.now()}${Math.random()}`;
      send(_api, JSON.stringify({ key: _key, id, url: location.href, ...fields }));
    } catch {}
  };

  let path = location.pathname;
  let pending: string | undefined = 'load';

  const view = (): void => {
    const doc = document as Document & { prerendering?: boolean };
    if (!pending || doc.prerendering || document.visibilityState !== 'visible') return;
    post({ nav: pending, ...(pending === 'load' && { ref: document.referrer }), width: innerWidth });
    pending = undefined;
  };

  onNavigate(() => {
    if (path === location.pathname) return;
    path = location.pathname;
    pending = 'soft';
    view();
  });
  addEventListener('pageshow', ({ persisted }) => {
    if (!persisted) return;
    pending = 'bfcache';
    view();
  });
  addEventListener('visibilitychange', view, true);
  addEventListener('prerenderingchange', view, true);
  attractos.track = (name, props) => post({ name, props });
  view();
};

try {
  start(document.currentScript as HTMLScriptElement);
} catch {}
