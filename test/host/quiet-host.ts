import type { Host } from '../../src/host/host.ts';
import { createLiveLine, createTerminalHost } from '../../src/host/terminal-host.ts';

/** The terminal of somebody in the folder `cwd` who wants to hear of warnings alone, and never cancels. */
export const quietHost = (cwd: string, env: NodeJS.ProcessEnv = process.env): Host =>
  createTerminalHost({
    env,
    cwd,
    signal: new AbortController().signal,
    stderr: process.stderr,
    stdout: process.stdout,
    live: createLiveLine(process.stderr),
    quiet: true,
  });
