import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import os from 'node:os';

/** Changes with every boot; the containers of a machine share it. */
const bootIdFile = '/proc/sys/kernel/random/boot_id';

/** Tells this machine, since it was started, from others. Says nothing else of it. */
export const machineId = (): string => createHash('sha256').update(bootId()).digest('hex').slice(0, 16);

function bootId(): string {
  try {
    return readFileSync(bootIdFile, 'utf8').trim();
  } catch {
    return os.hostname();
  }
}
