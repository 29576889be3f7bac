import { readFileSync } from 'node:fs';
import Module from 'node:module';
import { transform } from 'sucrase';

type Compilable = NodeModule & { _compile(code: string, filename: string): void };
type Internals = {
  _extensions: Record<string, (module: Compilable, filename: string) => void>;
  _resolveFilename(request: string, parent: NodeModule | undefined, ...rest: unknown[]): string;
};

let installed = false;

/**
 * Lets `require` load TypeScript, compiled in memory to CommonJS: what Artillery does with a bundle that it writes into
 * the author's folder. Node's own type stripping is not enough: it has no enums, wants file extensions on imports, and
 * Node 20 has none.
 */
export const installTypeScript = (): void => {
  if (installed) return;
  installed = true;
  const internals = Module as unknown as Internals;
  for (const extension of ['.ts', '.cts', '.mts']) {
    internals._extensions[extension] = (module, filename) => {
      const { code } = transform(readFileSync(filename, 'utf8'), {
        transforms: ['typescript', 'imports'],
        filePath: filename,
      });
      module._compile(code, filename);
    };
  }
  const resolve = internals._resolveFilename.bind(Module);
  // `import './helper.js'` in TypeScript means helper.ts.
  internals._resolveFilename = (request, parent, ...rest) => {
    try {
      return resolve(request, parent, ...rest);
    } catch (error) {
      const twin = /^\.{1,2}\/.*\.[cm]?js$/.test(request) ? request.replace(/js$/, 'ts') : null;
      if (twin === null || !/\.[cm]?ts$/.test(parent?.filename ?? '')) throw error;
      return resolve(twin, parent, ...rest);
    }
  };
};
