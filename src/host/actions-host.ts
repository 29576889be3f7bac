import * as core from '@actions/core';
import { visibleText } from '../visible-text.ts';
import type { Host, MessagePlace } from './host.ts';
import { SecretMask } from './secret-mask.ts';

const progressEveryMs = 10_000;
/** Secrets that the runner is told of. */
const maxTold = 200;

/** A step on a GitHub Actions runner. */
export const createActionsHost = (options: {
  env: Readonly<Record<string, string | undefined>>;
  cwd: string;
  signal: AbortSignal;
}): Host => {
  const secrets = new SecretMask();
  const told = new Set<string>();
  let lastProgressAt = Number.NEGATIVE_INFINITY;
  const shown = (text: string): string => visibleText(secrets.mask(text));
  /** The runner takes a line that begins with "::" as a command, and one that has "##[" anywhere in it. */
  const harmless = (text: string): string =>
    shown(text)
      .replace(/^(\s*)::/gm, '$1\u200b::')
      .replaceAll('##[', '##\u200b[');
  const annotation = (where: MessagePlace = {}): core.AnnotationProperties => ({
    title: 'Tailgate',
    ...(where.file === undefined ? {} : { file: where.file }),
    ...(where.line === undefined ? {} : { startLine: where.line }),
  });
  /** An annotation shows its file and line itself; an input, which has neither, is named in the text. */
  const placed = (message: string, where: MessagePlace = {}): string =>
    shown(where.key === undefined ? message : `${where.key}: ${message}`);
  return {
    kind: 'actions',
    env: options.env,
    cwd: options.cwd,
    columns: 120,
    interactive: false,
    result: { columns: 120, color: false, unicode: true },
    info: (message) => core.info(harmless(message)),
    warn: (message, where) => core.warning(placed(message, where), annotation(where)),
    error: (message, where) => core.error(placed(message, where), annotation(where)),
    debug: (message) => core.debug(shown(message)),
    progress: (line) => {
      const now = performance.now();
      if (now - lastProgressAt < progressEveryMs) return;
      lastProgressAt = now;
      core.info(harmless(line));
    },
    group: (title) => {
      core.startGroup(shown(title));
      return () => core.endGroup();
    },
    secret: (value) => {
      // The tokens of thousands of users are masked by us alone.
      if (value.trim() !== '' && !told.has(value) && told.size < maxTold) core.setSecret(value);
      told.add(value);
      secrets.add(value);
    },
    secrets,
    mask: (text) => secrets.mask(text),
    output: (name, value) => core.setOutput(name, value),
    summary: async (markdown) => {
      if (options.env.GITHUB_STEP_SUMMARY === undefined) return;
      await core.summary.addRaw(markdown, true).write();
    },
    saveState: (name, value) => core.saveState(name, value),
    signal: options.signal,
  };
};
