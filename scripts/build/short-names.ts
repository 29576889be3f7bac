import { readFile } from 'node:fs/promises';
import type { Plugin } from 'esbuild';
import { transform } from 'esbuild';

/**
 * Shortens the local names in what others wrote, a third of its size. Names at the top of their files stay, those of
 * classes of errors among them, and so does every name of ours: a stack from the field can be read.
 */
export const shortNamesOfPackages: Plugin = {
  name: 'short-names-of-packages',
  setup(build) {
    build.onLoad({ filter: /[\\/]node_modules[\\/].*\.[cm]?js$/ }, async ({ path: file }) => {
      const { code } = await transform(await readFile(file, 'utf8'), {
        loader: 'js',
        target: 'node20',
        minifyIdentifiers: true,
      });
      return { contents: code, loader: 'js' };
    });
  },
};
