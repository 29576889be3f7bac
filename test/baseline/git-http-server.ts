import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { json } from 'node:stream/consumers';

export type GitHttpServer = AsyncDisposable & { readonly url: string };

/**
 * A git server on loopback: git's own `http-backend` behind HTTP, serving the bare repositories below `root`.
 * `authorization`: the header value that is demanded, if any.
 */
export const startGitHttpServer = async (root: string, authorization?: string): Promise<GitHttpServer> => {
  const server = createServer((request, response) => {
    if (authorization !== undefined && request.headers.authorization !== authorization) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end();
      return;
    }
    const url = new URL(request.url ?? '/', 'http://127.0.0.1');
    if (/\/info\/lfs\/|\/lfs\/objects\//.test(url.pathname)) {
      void answerLfs(root, url, request, response);
      return;
    }
    const backend = spawn('git', ['http-backend'], {
      env: {
        ...process.env,
        GIT_PROJECT_ROOT: root,
        GIT_HTTP_EXPORT_ALL: '1',
        GIT_PROTOCOL: request.headers['git-protocol'] as string | undefined,
        PATH_INFO: url.pathname,
        QUERY_STRING: url.search.slice(1),
        REQUEST_METHOD: request.method,
        CONTENT_TYPE: request.headers['content-type'],
        HTTP_CONTENT_ENCODING: request.headers['content-encoding'],
        REMOTE_USER: 'test',
        REMOTE_ADDR: '127.0.0.1',
      },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    request.pipe(backend.stdin);
    backend.stdin.on('error', () => {});
    const chunks: Buffer[] = [];
    backend.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    backend.on('close', () => {
      const output = Buffer.concat(chunks);
      const end = output.indexOf('\r\n\r\n');
      let status = 200;
      for (const line of output.subarray(0, end).toString('latin1').split('\r\n')) {
        const [name = '', value = ''] = line.split(/:\s*/, 2);
        if (name.toLowerCase() === 'status') status = Number.parseInt(value, 10);
        else if (name !== '') response.setHeader(name, value);
      }
      response.writeHead(status).end(output.subarray(end + 4));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};

/** The part of LFS that gives files out, from the objects that lie in `lfs/objects/` of the repository. */
const answerLfs = async (
  root: string,
  url: URL,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> => {
  const [repository = '', rest = ''] = url.pathname.split(/\/(?:info\/)?lfs\/objects\//);
  if (rest !== 'batch') {
    const file = path.join(root, repository, 'lfs/objects', rest.slice(0, 2), rest.slice(2, 4), rest);
    response.end(existsSync(file) ? readFileSync(file) : undefined);
    return;
  }
  const { objects } = (await json(request)) as { objects: { oid: string; size: number }[] };
  const href = (oid: string) => `http://${request.headers.host}${repository}/lfs/objects/${oid}`;
  response.writeHead(200, { 'content-type': 'application/vnd.git-lfs+json' }).end(
    JSON.stringify({
      transfer: 'basic',
      objects: objects.map(({ oid, size }) => ({ oid, size, actions: { download: { href: href(oid) } } })),
    }),
  );
};
