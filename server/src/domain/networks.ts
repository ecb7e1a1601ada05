import { BlockList, isIPv4 } from 'node:net';
import ipaddr from 'ipaddr.js';
import { type Network, readAddress, readNetwork } from './addresses.ts';

/** Sets of networks, in which an address can be looked up. */

/**
 * Reads an address or a network as typed.
 *
 * @returns it in canonical form, without the bits below the prefix: `203.0.113.0/24` for `203.0.113.9/24`; null if it is
 *   invalid, or covers all of IPv4 or IPv6
 */
export function canonicalNetwork(text: string): string | null {
  try {
    return printNetwork(readNetwork(text));
  } catch (error) {
    if (error instanceof TypeError) return null;
    throw error;
  }
}

/** Returns the network that excludes a client: its IPv4 address, or the /64 of its IPv6 address, whose other bits change daily. */
export function ownNetwork(address: string): string | null {
  const canonical = readAddress(address);
  if (canonical === null) return null;
  return isIPv4(canonical) ? canonical : canonicalNetwork(`${canonical}/64`);
}

function printNetwork({ ip, bits }: Network): string {
  if (bits === (ip.kind() === 'ipv4' ? 32 : 128)) return ip.toString();
  const family = ip.kind() === 'ipv4' ? ipaddr.IPv4 : ipaddr.IPv6;
  return `${family.networkAddressFromCIDR(`${ip.toString()}/${bits}`).toString()}/${bits}`;
}

/** A set of networks. Looking up an address compares it with each of them. */
export class NetworkSet {
  readonly #list = new BlockList();

  /** @throws TypeError if a network is invalid */
  constructor(networks: readonly string[]) {
    for (const network of networks) {
      const { ip, bits } = readNetwork(network);
      this.#list.addSubnet(ip.toString(), bits, ip.kind());
    }
  }

  /** Whether an address, in any form that `readAddress` reads, is in one of the networks. */
  has(address: string): boolean {
    const canonical = readAddress(address);
    return canonical !== null && this.#list.check(canonical, isIPv4(canonical) ? 'ipv4' : 'ipv6');
  }
}
