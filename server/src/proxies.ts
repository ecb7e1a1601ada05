import proxyAddr from '@fastify/proxy-addr';

/** Addresses of proxies remembered; there are more only where a whole network is believed. */
const PROXIES_HELD = 1_000;

/**
 * Whether an address is that of a proxy that is believed, for Fastify's `trustProxy`; false where none is. Reading an address
 * and comparing it with networks costs as much as a hash, so proxies are remembered: one is asked about with every request.
 * What is no proxy is a visitor, and is never remembered.
 *
 * @param networks addresses, networks and names, as Fastify takes them
 * @throws TypeError where one of them is none
 */
export function believedProxies(networks: readonly string[]): ((address: string) => boolean) | false {
  if (networks.length === 0) return false;
  const isBelieved = proxyAddr.compile([...networks]);
  const proxies = new Set<string>();
  return (address) => {
    if (proxies.has(address)) return true;
    if (!isBelieved(address, 0)) return false;
    if (proxies.size >= PROXIES_HELD) proxies.clear();
    proxies.add(address);
    return true;
  };
}
