import type { IncomingMessage } from 'node:http';
import { nodeName, readAddress, trustedProxies } from '../domain/addresses.ts';
import { hopsOf } from '../domain/forwarded.ts';

/** The client of a request. */
export interface ClientAddress {
  /**
   * The address that the server, or its last trusted proxy, saw. If the proxy names the client otherwise (`unknown`, `_hidden`),
   * this is that text: different names remain different clients, and none gets the address of a proxy. Empty once the client
   * has disconnected, and for one of a Unix socket that no header names.
   */
  address: string;
  /** Whether `address` is an IP address. */
  isReadable: boolean;
  /** Whether the connection comes from a trusted proxy. */
  isFromProxy: boolean;
  /** The header that names the client, in lower case; null if the connection does. */
  header: string | null;
}

/**
 * The headers in which proxies usually name the client, in lower case. The first one that is present counts. `X-Forwarded-For` comes
 * first, because proxies that write it usually pass on the `Forwarded` of the client.
 */
export const PROXY_HEADERS = ['x-forwarded-for', 'forwarded'] as const;

/** Finds the client addresses of requests. Headers count only if they come from a trusted proxy. */
export class ClientAddresses {
  /** The headers that are read, in lower case, the first one first. */
  readonly headers: readonly string[];
  /** Returns whether a peer is a trusted proxy, for Fastify's `trustProxy`, too. */
  readonly isTrusted: (address: string | undefined) => boolean;
  readonly #onUnreadable: (header: string) => void;
  readonly #logged = new Set<string>();
  #unreadable = 0;

  /**
   * @param options `trustProxy`: networks and names of trusted proxies; `clientIpHeader`: the header to read before the others, in
   *   lower case; `isOnSocket`: whether the server listens on a Unix socket, whose file says who can connect, so that every peer is
   *   trusted; `onUnreadable`: called once for each header that names a client by something that is not an address
   */
  constructor({
    trustProxy,
    clientIpHeader,
    isOnSocket,
    onUnreadable,
  }: {
    trustProxy: readonly string[];
    clientIpHeader: string | null;
    isOnSocket: () => boolean;
    onUnreadable: (header: string) => void;
  }) {
    this.headers = [...new Set([...(clientIpHeader === null ? [] : [clientIpHeader]), ...PROXY_HEADERS])];
    const isTrusted = trustedProxies(trustProxy) || (() => false);
    // A peer has no address over a Unix socket, or after it has disconnected.
    this.isTrusted = (address = '') => (address === '' ? isOnSocket() : isTrusted(address));
    this.#onUnreadable = onUnreadable;
  }

  /** The number of requests whose client a proxy named by something that is not an address. */
  get unreadable(): number {
    return this.#unreadable;
  }

  /** Returns the client of a request. */
  of({ raw: { socket, headers } }: { raw: Pick<IncomingMessage, 'socket' | 'headers'> }): ClientAddress {
    const peer = socket.remoteAddress ?? '';
    const isFromProxy = this.isTrusted(peer);
    if (isFromProxy) {
      for (const header of this.headers) {
        const value = headers[header];
        if (value === undefined) continue;
        const client = this.#named(header, Array.isArray(value) ? value.join(',') : value);
        if (client !== null) return client;
      }
    }
    const address = readAddress(peer);
    return { address: address ?? peer, isReadable: address !== null, isFromProxy, header: null };
  }

  /** Returns the last untrusted hop of a header, or the farthest one if all are trusted; null if the header is empty. */
  #named(header: string, value: string): ClientAddress | null {
    let address: string | null = null;
    let nearer: string | null = null;
    for (const hop of hopsOf(header, value)) {
      // The farthest hop need not be checked. Most headers have only one.
      if (nearer !== null && !this.isTrusted(nearer)) break;
      address = readAddress(hop);
      if (address === null) return this.#namedOtherwise(header, hop);
      nearer = hop;
    }
    return address === null ? null : { address, isReadable: true, isFromProxy: true, header };
  }

  #namedOtherwise(header: string, hop: string): ClientAddress {
    this.#unreadable++;
    if (!this.#logged.has(header)) {
      this.#logged.add(header);
      this.#onUnreadable(header);
    }
    return { address: nodeName(hop), isReadable: false, isFromProxy: true, header };
  }
}
