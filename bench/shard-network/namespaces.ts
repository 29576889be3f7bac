import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

/** Network namespaces on one bridge: each has an address of its own, and all reach this machine. */
export type Network = Disposable & {
  /** Address of this machine on the bridge. */
  host: string;
  /** Names, for `ip netns exec`, and the address of each. */
  namespaces: readonly string[];
  addresses: readonly string[];
  /** Whether the kernel delays and loses what each of them sends and gets. */
  netem: boolean;
};

/** A link of one namespace. */
export type Link = { delayMs: number; lossPercent: number };

/** What is missing here, a sentence with the packages of Debian that have it; null when nothing is. */
export const whatIsMissing = (): string | null => {
  if (process.getuid?.() !== 0) return 'It must run as root, for network namespaces.';
  const missing = [
    ['ip', 'iproute2'],
    ['tc', 'iproute2'],
    ['faketime', 'faketime'],
  ].flatMap(([program, of]) => (spawnSync('sh', ['-c', `command -v ${program}`]).status === 0 ? [] : [of!]));
  return missing.length === 0
    ? null
    : `It needs programs that are not here: apt-get install ${[...new Set(missing)].join(' ')}`;
};

const ip = (...args: string[]): void => {
  const { status, stderr } = spawnSync('ip', args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`ip ${args.join(' ')}: ${stderr.trim()}`);
};

/** Makes as many namespaces as there are links. Disposing removes them, however far they got. */
export const openNetwork = (links: readonly Link[]): Network => {
  const id = process.pid % 10_000;
  const bridge = `tgbr${id}`;
  const subnet = `10.213.${process.pid % 250}`;
  const host = `${subnet}.254`;
  const namespaces = links.map((_, index) => `tailgate-${process.pid}-${index + 1}`);
  const addresses = links.map((_, index) => `${subnet}.${index + 1}`);
  const close = (): void => {
    for (const name of namespaces)
      if (existsSync(`/run/netns/${name}`)) spawnSync('ip', ['netns', 'delete', name]);
    spawnSync('ip', ['link', 'delete', bridge], { stdio: 'ignore' });
  };
  let netem = true;
  try {
    ip('link', 'add', bridge, 'type', 'bridge');
    ip('address', 'add', `${host}/24`, 'dev', bridge);
    ip('link', 'set', bridge, 'up');
    for (const [index, name] of namespaces.entries()) {
      const [outer, inner] = [`tg${id}o${index}`, `tg${id}i${index}`];
      ip('netns', 'add', name);
      ip('link', 'add', outer, 'type', 'veth', 'peer', 'name', inner);
      ip('link', 'set', inner, 'netns', name);
      ip('link', 'set', outer, 'master', bridge, 'up');
      ip('-n', name, 'address', 'add', `${addresses[index]}/24`, 'dev', inner);
      ip('-n', name, 'link', 'set', inner, 'up');
      ip('-n', name, 'link', 'set', 'lo', 'up');
      const { delayMs, lossPercent } = links[index]!;
      const way = ['netem', 'delay', `${delayMs}ms`, 'loss', `${lossPercent}%`];
      const add = (...command: string[]): boolean => spawnSync(command[0]!, command.slice(1)).status === 0;
      netem &&=
        add('tc', 'qdisc', 'add', 'dev', outer, 'root', ...way) &&
        add('tc', '-n', name, 'qdisc', 'add', 'dev', inner, 'root', ...way);
    }
  } catch (failure) {
    close();
    throw failure;
  }
  return { host, namespaces, addresses, netem, [Symbol.dispose]: close };
};
