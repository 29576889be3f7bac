/** Scheme and host, path, and query of a URL whose parts may be templates. */
const parts = /^([a-z][a-z+.-]*:\/\/[^/?#]*)([^?#]*)(\?[^#]*)?/i;

/**
 * The URL that a scenario's users connect to: the server under test, with the path and the query of the scenario's own
 * `config.target` where the server's URL has none. The path is a namespace for Socket.IO, an endpoint for a WebSocket.
 */
export const withScenarioPath = (serverUrl: string, scenarioTarget: unknown): string => {
  const server = parts.exec(serverUrl);
  const own = typeof scenarioTarget === 'string' ? parts.exec(scenarioTarget) : null;
  if (server === null || own === null) return serverUrl;
  const [, origin, path = '', query = ''] = server;
  const isBare = path === '' || path === '/';
  const [, , ownPath = '', ownQuery = ''] = own;
  return `${origin}${isBare && ownPath !== '/' ? ownPath || path : path}${query || ownQuery}`;
};

/** What of `config.target` decides where users go: nothing, for a target that is only a server. */
export const scenarioPath = (scenarioTarget: unknown): string => {
  const [, , path = '', query = ''] =
    (typeof scenarioTarget === 'string' && parts.exec(scenarioTarget)) || [];
  return `${path === '/' ? '' : path}${query}`;
};
