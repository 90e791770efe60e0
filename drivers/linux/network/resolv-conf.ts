/**
 * resolv.conf(5): the servers and the names that the resolver of this machine uses. It belongs to the machine and to no
 * interface, so the servers count for one only where there is no other that they could have come by.
 */
import { addressText, domainText, isUnspecified, kept, scoped } from './host-text.ts';

export interface ResolvConf {
  readonly servers4: readonly string[];
  readonly servers6: readonly string[];
  /** The first name of `search`, or that of `domain`, whichever comes last, as resolv.conf(5) says. */
  readonly suffix: string | null;
  readonly suffixes: readonly string[];
}

/** A resolver on this machine itself says nothing of the network. */
const isLocal = (address: string): boolean => isUnspecified(address) || address.startsWith('127.') || address === '::1';

/** @param name of the interface that link-local servers are reached by */
export function parseResolvConf(text: string, name: string): ResolvConf {
  const lines = text.split('\n').map((line) =>
    line
      .replace(/[#;].*$/, '')
      .trim()
      .split(/\s+/),
  );
  const servers = lines.flatMap(([word, value]) => (word === 'nameserver' && value !== undefined ? [value] : []));
  const names = lines.findLast(([word]) => word === 'search' || word === 'domain')?.slice(1) ?? [];
  const suffixes = kept(names, domainText);
  const own = (family: 4 | 6) =>
    kept(servers, (server) => {
      const [bare = '', scope] = server.split('%', 2);
      const address = addressText(bare, family);
      if (address === null || isLocal(address)) return null;
      return scope === undefined || scope === name ? scoped(address, name) : null;
    });
  return { servers4: own(4), servers6: own(6), suffix: suffixes[0] ?? null, suffixes };
}
