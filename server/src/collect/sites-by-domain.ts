/**
 * Sites by their registered domain, which never changes. Several accounts may register the same domain. A domain with one site,
 * the usual case, takes only a map entry.
 */
export class SitesByDomain<Site extends { readonly id: string; readonly domain: string }> {
  readonly #byDomain = new Map<string, Site | Map<string, Site>>();

  find(domain: string, siteId: string): Site | undefined {
    const there = this.#byDomain.get(domain);
    if (there instanceof Map) return there.get(siteId);
    return there?.id === siteId ? there : undefined;
  }

  on(domain: string): Site[] {
    const there = this.#byDomain.get(domain);
    if (there === undefined) return [];
    return there instanceof Map ? [...there.values()] : [there];
  }

  add(site: Site): void {
    const there = this.#byDomain.get(site.domain);
    if (there === undefined) this.#byDomain.set(site.domain, site);
    else if (there instanceof Map) there.set(site.id, site);
    else this.#byDomain.set(site.domain, new Map([there, site].map((each) => [each.id, each])));
  }

  remove(site: Site): void {
    const there = this.#byDomain.get(site.domain);
    if (there instanceof Map) there.delete(site.id);
    if (there === site || (there instanceof Map && there.size === 0)) this.#byDomain.delete(site.domain);
  }
}
