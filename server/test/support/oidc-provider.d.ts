/** The parts of oidc-provider that the tests use. The package has no types of its own. */
declare module 'oidc-provider' {
  import type { IncomingMessage, ServerResponse } from 'node:http';

  interface Grant {
    addOIDCScope(scope: string): void;
    save(): Promise<string>;
  }

  interface Context {
    oidc: {
      client: { clientId: string };
      session: { accountId: string };
      provider: { Grant: new (of: { clientId: string; accountId: string }) => Grant };
    };
  }

  export default class Provider {
    constructor(
      issuer: string,
      configuration: {
        clients: readonly Readonly<Record<string, unknown>>[];
        jwks: { keys: readonly object[] };
        claims: Readonly<Record<string, readonly string[]>>;
        cookies: { keys: readonly string[] };
        features: { devInteractions: { enabled: boolean } };
        interactions: { url(context: Context, interaction: { uid: string }): string };
        ttl: Readonly<Record<string, number>>;
        findAccount(
          context: Context,
          id: string,
        ): { accountId: string; claims(): Promise<Readonly<Record<string, unknown>>> };
        loadExistingGrant(context: Context): Promise<Grant>;
        pkce: { required(): boolean };
      },
    );
    callback(): (request: IncomingMessage, response: ServerResponse) => void;
    interactionFinished(request: IncomingMessage, response: ServerResponse, result: object): Promise<void>;
  }
}
