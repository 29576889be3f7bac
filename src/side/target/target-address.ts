import { tailgateError } from '../../errors.ts';
import type { TargetSettings } from '../../settings/settings-schema.ts';

const portTemplate = /\{\{\s*port\s*\}\}/g;

/** Where a server is, with the port filled in. `local`: on this machine, so that its port can be checked. */
export type TargetAddress = { url: string; port: number | null; local: boolean };

const defaultPorts: Record<string, number> = { 'http:': 80, 'ws:': 80, 'https:': 443, 'wss:': 443 };

/** The address that `settings.url` names, given the port chosen for it. Throws SETTINGS_INVALID_VALUE. */
export const targetAddress = (settings: TargetSettings, chosenPort: number | null): TargetAddress => {
  const port = chosenPort ?? settings.port ?? null;
  const invalid = (problem: string, expected: string): Error =>
    tailgateError('SETTINGS_INVALID_VALUE', { key: 'target.url', problem, expected });
  const filled = fillPort(settings.url, port);
  if (filled.search(portTemplate) >= 0) {
    throw invalid(
      'there is neither a command that starts the server nor a port',
      'Set "target.start" to the command that starts the server, or "target.url" to the URL of one that runs already; the "config.target" of a scenario does not say where it is.',
    );
  }
  let url: URL;
  try {
    url = new URL(filled);
  } catch {
    throw invalid(`"${filled}" is no URL`, 'Write it in full, for example "http://127.0.0.1:{{ port }}".');
  }
  const defaultPort = defaultPorts[url.protocol];
  if (defaultPort === undefined) {
    throw invalid(`"${url.protocol}" is no protocol of a server`, 'Use http, https, ws or wss.');
  }
  return {
    url: filled.replace(/\/$/, ''),
    port: url.port === '' ? defaultPort : Number(url.port),
    local: isLocal(url.hostname),
  };
};

/** Replaces `{{ port }}`. */
export const fillPort = (text: string, port: number | null): string =>
  port === null ? text : text.replace(portTemplate, String(port));

/** The environment variables of the settings, with the port filled in. */
export const filledEnvironment = (
  settings: Pick<TargetSettings, 'env'>,
  port: number | null,
): Record<string, string> =>
  Object.fromEntries(
    Object.entries(settings.env).map(([name, value]) => [name, fillPort(String(value), port)]),
  );

/** Whether the settings leave the choice of the port to us. */
export const wantsFreePort = (settings: TargetSettings): boolean =>
  settings.start !== undefined &&
  settings.port === undefined &&
  (settings.start.search(portTemplate) >= 0 || settings.url.search(portTemplate) >= 0);

function isLocal(hostname: string): boolean {
  return (
    hostname === 'localhost' || hostname === '0.0.0.0' || hostname === '[::1]' || /^127\./.test(hostname)
  );
}
