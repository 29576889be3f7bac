import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { hostname, networkInterfaces } from 'node:os';
import { z } from 'zod';
import type { Rendezvous } from '../../settings/shard-inputs.ts';

/** Where somebody listens. */
export type Place = { host: string; port: number };

const placesSchema = z.array(z.object({ host: z.string(), port: z.number().int().positive() }));

/** Where shard 1 may be, most likely first; nowhere while its file is not there. */
export const placesOf = async ({ place }: Rendezvous): Promise<Place[]> => {
  if ('host' in place) return [place];
  try {
    return placesSchema.parse(JSON.parse(await readFile(place.file, 'utf8')));
  } catch {
    // It is still being written, or of something else.
    return [];
  }
};

/** Leaves in a file where this machine listens. Rejects with the reason of the system. */
export const leavePlaces = async (file: string, port: number): Promise<AsyncDisposable> => {
  const addresses = Object.values(networkInterfaces())
    .flatMap((several) => several ?? [])
    // An address that is valid on one link alone needs to be told of that link.
    .filter(({ address }) => !address.startsWith('fe80:'))
    .sort((a, b) => Number(a.internal) - Number(b.internal))
    .map(({ address }) => address);
  const places: Place[] = [...addresses, hostname()].map((host) => ({ host, port }));
  const unfinished = `${file}.${process.pid}`;
  await writeFile(unfinished, `${JSON.stringify(places)}\n`);
  await rename(unfinished, file);
  return { [Symbol.asyncDispose]: () => rm(file, { force: true }) };
};
