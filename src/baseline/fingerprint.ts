import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import os from 'node:os';
import { artilleryVersion, tailgateVersion } from '../host/versions.ts';
import { limitsLoopDelay, type SuitePlan } from '../settings/run-plan.ts';
import {
  measureSchema,
  type ResourceSettings,
  roomSchema,
  targetSchema,
} from '../settings/settings-schema.ts';
import type { Fingerprint } from './baseline-record.ts';

type Json = Record<string, unknown>;

/**
 * Hash of the settings that change what is measured: how the room is made and joined, what is timed and how. The server
 * itself (its build, command and environment) is what is under test, and tokens are renewed, so neither is in it.
 */
export const settingsHash = (suite: SuitePlan): string => {
  const room = suite.room as (Json & typeof suite.room) | null;
  const measure = suite.measure as Json & typeof suite.measure;
  const target = suite.target as Json & typeof suite.target;
  const relevant = {
    room:
      room === null
        ? null
        : {
            ...chosen(room, roomSchema.parse({}) as Json, [
              'namespace',
              'path',
              'transports',
              'query',
              'create',
              'delete',
              'failureEvents',
              'capture',
            ]),
            headers: Object.keys(room.headers).sort(),
            auth: Object.keys(room.auth).sort(),
            jwt: withoutSecret(room.jwt),
          },
    measure: {
      ...chosen(measure, measureSchema.parse({}) as Json, [
        'acknowledgements',
        'refusals',
        'deliveries',
        'timeoutMs',
        'drainMs',
        'generators',
      ]),
      jwt: withoutSecret(measure.jwt),
    },
    target: {
      ...chosen(target, targetSchema.parse({}) as Json, ['pin', 'nodePreload']),
      resources: sourceOfResources(target.resources),
      // What is looked at more often has higher peaks, which a relative limit would take for a change.
      ...(limitsLoopDelay({ thresholds: suite.thresholds.filter(({ bound }) => bound.kind === 'relative') })
        ? { loopDelay: 'limited' }
        : {}),
    },
    ...(suite.endurance === undefined ? {} : { kind: 'endurance' }),
  };
  return createHash('sha256').update(canonicalJson(relevant)).digest('hex');
};

/**
 * What this machine is: `os` is platform, processor architecture, image (`ubuntu24` on GitHub's runners, else the
 * distribution) and, where it is known, the version of the image.
 */
export const environmentFingerprint = (
  env: Readonly<Record<string, string | undefined>> = process.env,
): Fingerprint['environment'] => {
  const cpus = os.cpus();
  const image = env.ImageOS ?? distribution() ?? os.release();
  return {
    cpuModel: (cpus[0]?.model ?? 'unknown').replaceAll(/\s+/g, ' ').trim(),
    cores: os.availableParallelism(),
    memoryGiB: Math.round((os.totalmem() / 2 ** 30) * 10) / 10,
    os: [os.platform(), os.arch(), image, env.ImageVersion].filter(Boolean).join(' '),
    node: process.versions.node,
    tailgate: tailgateVersion,
    artillery: artilleryVersion,
  };
};

/**
 * The chosen keys that differ from their defaults: a setting that a later version adds, and that nobody set, must not
 * make every stored record of another kind.
 */
function chosen(settings: Json, defaults: Json, keys: readonly string[]): Json {
  return Object.fromEntries(
    keys
      .filter((key) => settings[key] !== undefined)
      .filter((key) => canonicalJson(settings[key]) !== canonicalJson(defaults[key]))
      .map((key) => [key, settings[key]]),
  );
}

/** JSON with the keys of every object in order, so that equal values have equal text. */
function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    inner !== null && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}

function withoutSecret(jwt: { secret: unknown } | undefined): Json | undefined {
  if (jwt === undefined) return undefined;
  const { secret: _, ...rest } = jwt;
  return rest;
}

/** Whoever else tells of the resources tells of others; where it is asked is part of the server. */
function sourceOfResources(resources: ResourceSettings | undefined): Json | undefined {
  return resources === undefined
    ? undefined
    : {
        by: ['url', 'command', 'agent'].find((kind) => resources[kind as 'url'] !== undefined),
        metrics: resources.metrics,
      };
}

/** The distribution's name and version, as in `/etc/os-release`; null where there is none. */
function distribution(): string | null {
  try {
    const text = readFileSync('/etc/os-release', 'utf8');
    const id = /^ID="?([^"\n]+)/m.exec(text)?.[1];
    const version = /^VERSION_ID="?([^"\n]+)/m.exec(text)?.[1];
    return id === undefined ? null : `${id}${version ?? ''}`;
  } catch {
    return null;
  }
}
