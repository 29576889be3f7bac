import { createJiti } from 'jiti';

/**
 * Imports a TypeScript module and what it imports, compiled in memory: enums, imports without an extension, path
 * aliases of the nearest `tsconfig.json`, and top-level await, in CommonJS and ES modules alike. Node's own type
 * stripping has none of the first three, and Node 20 has none at all. Nothing is written anywhere.
 */
export const importTypeScript = async (file: string): Promise<Record<string, unknown>> => {
  // The compiler is large, and few scenarios need it.
  const { default: transform } = await import('../../node_modules/jiti/dist/babel.cjs');
  const jiti = createJiti(file, {
    transform,
    fsCache: false,
    moduleCache: true,
    interopDefault: false,
    tsconfigPaths: true,
  });
  return (await jiti.import(file)) as Record<string, unknown>;
};
