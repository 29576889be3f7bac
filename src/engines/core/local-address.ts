import { engineSettings } from './engine-settings.ts';

let turn = 0;

const isLoopback = (url: string): boolean =>
  URL.canParse(url) && /^(localhost|127\.\d+\.\d+\.\d+)$/.test(new URL(url).hostname);

/** Options of a socket that choose its source address. The addresses are of IPv4, so a name must be looked up as such. */
export type SourceAddress = { localAddress?: string; family?: 4 };

/**
 * The source address for the next connection to `url`: the addresses of the settings take turns, so that there are more
 * ports than one of them has. Empty when the system may choose, and for servers that loopback does not reach.
 */
export const sourceAddress = (url: string): SourceAddress => {
  const addresses = engineSettings().localAddresses ?? [];
  if (addresses.length === 0 || !isLoopback(url)) return {};
  turn = (turn + 1) % addresses.length;
  return { localAddress: addresses[turn]!, family: 4 };
};
