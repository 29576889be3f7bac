import { engineSettings } from './engine-settings.ts';

let turn = 0;

/**
 * Whether a server is reached over loopback, and how many addresses a client has there: IPv4 has many (`many`; a name is
 * looked up as such), IPv6 has one (`one`). Null when the server is elsewhere, or `url` is none.
 */
export const loopbackAddressesOf = (url: string): 'many' | 'one' | null => {
  const host = URL.canParse(url) ? new URL(url).hostname : '';
  if (/^(localhost|127\.\d+\.\d+\.\d+)$/.test(host)) return 'many';
  return host === '[::1]' ? 'one' : null;
};

/** Options of a socket that choose its source address. The addresses are of IPv4, so a name must be looked up as such. */
export type SourceAddress = { localAddress?: string; family?: 4 };

/**
 * The source address for the next connection to `url`: the addresses of the settings take turns, so that there are more
 * ports than one of them has. Empty when the system may choose, and for servers that loopback does not reach.
 */
export const sourceAddress = (url: string): SourceAddress => {
  const addresses = engineSettings().localAddresses ?? [];
  if (addresses.length === 0 || loopbackAddressesOf(url) !== 'many') return {};
  turn = (turn + 1) % addresses.length;
  return { localAddress: addresses[turn]!, family: 4 };
};
