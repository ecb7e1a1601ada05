import type { SecondFactorContext } from '../../app/second-factor.ts';
import type { Events } from '../../store/contract/store.ts';
import { browserLabel } from './browser-label.ts';
import type { PageRequest, Parts } from './parts.ts';

/** Creates the context of use cases, which records security events on behalf of the request's user. */
export function contextOf(
  { store, clock, secretBox, securityLog, describeClient }: Parts,
  request: Pick<PageRequest, 'client' | 'headers' | 'userAgent' | 'user'>,
): SecondFactorContext & { events: Events } {
  return {
    ...{ registry: store.registry, events: store.events, clock, secretBox },
    record: async (event) => {
      const { userAgent, user } = request;
      await securityLog.record(event, {
        ...{ accountId: user?.account.id ?? null, via: 'dashboard', browser: browserLabel(userAgent) },
        ...(await describeClient(request)),
      });
    },
  };
}
