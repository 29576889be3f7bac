import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { Metafile } from 'esbuild';

/** A package of which something was bundled. */
export type BundledPackage = {
  name: string;
  version: string;
  /** SPDX expression. */
  licence: string;
  /** Full text of its licence files. */
  text: string;
  repository: string | null;
  /** Its files in the bundle, relative to its folder. */
  files: string[];
};

type Manifest = {
  name?: string;
  version?: string;
  license?: string | { type?: string };
  licenses?: { type?: string }[];
  repository?: string | { url?: string };
  author?: string | { name?: string };
};

const licenceFile = /^(licen[cs]e|copying|notice)([.-].*)?$/i;

/** Folder of the package to which a file belongs: the nearest one with a manifest that names it. */
const packageFolder = (root: string, file: string): string => {
  for (let folder = path.dirname(file); folder !== '.'; folder = path.dirname(folder)) {
    const manifest = path.join(root, folder, 'package.json');
    if (!existsSync(manifest)) continue;
    const { name, version, license, licenses } = JSON.parse(readFileSync(manifest, 'utf8')) as Manifest;
    // Folders inside of a package may have a manifest too, but none that states a licence.
    if (name !== undefined && version !== undefined && (license ?? licenses) !== undefined) return folder;
  }
  throw new Error(`${file} belongs to no package`);
};

/** Texts of licences that a package states in its manifest without bringing a copy. */
const standardTexts: Readonly<Record<string, (holder: string) => string>> = {
  MIT: (holder) => `MIT License

Copyright (c) ${holder}

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated documentation files (the "Software"), to deal in the Software without restriction, including without limitation the rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit persons to whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.`,
  ISC: (holder) => `ISC License

Copyright (c) ${holder}

Permission to use, copy, modify, and/or distribute this software for any purpose with or without fee is hereby granted, provided that the above copyright notice and this permission notice appear in all copies.

THE SOFTWARE IS PROVIDED "AS IS" AND THE AUTHOR DISCLAIMS ALL WARRANTIES WITH REGARD TO THIS SOFTWARE INCLUDING ALL IMPLIED WARRANTIES OF MERCHANTABILITY AND FITNESS. IN NO EVENT SHALL THE AUTHOR BE LIABLE FOR ANY SPECIAL, DIRECT, INDIRECT, OR CONSEQUENTIAL DAMAGES OR ANY DAMAGES WHATSOEVER RESULTING FROM LOSS OF USE, DATA OR PROFITS, WHETHER IN AN ACTION OF CONTRACT, NEGLIGENCE OR OTHER TORTIOUS ACTION, ARISING OUT OF OR IN CONNECTION WITH THE USE OR PERFORMANCE OF THIS SOFTWARE.`,
};

/** Copies of the long licences, for packages that only refer to them (Artillery itself among them). */
const copies: Readonly<Record<string, string>> = {
  'MPL-2.0': 'node_modules/artillery/dist/builtin-packages/artillery-plugin-ensure/LICENSE.txt',
  'Apache-2.0': 'node_modules/long/LICENSE',
};

const licenceFilesIn = (folder: string): string[] =>
  readdirSync(folder)
    .filter((file) => licenceFile.test(file))
    .sort()
    .map((file) => readFileSync(path.join(folder, file), 'utf8').trim());

const licenceOf = (manifest: Manifest, text: string): string => {
  const { license, licenses } = manifest;
  const stated = typeof license === 'string' ? license : (license?.type ?? licenses?.[0]?.type ?? '');
  if (stated !== '' && !/^see licen[cs]e/i.test(stated)) return stated;
  if (/Mozilla Public License/i.test(text)) return 'MPL-2.0';
  if (/Permission is hereby granted, free of charge/i.test(text)) return 'MIT';
  return stated === '' ? 'unknown' : stated;
};

const textOf = (root: string, folder: string, manifest: Manifest): string => {
  const own = licenceFilesIn(path.join(root, folder)).join('\n\n');
  const licence = licenceOf(manifest, own);
  const copy = copies[licence];
  if (copy !== undefined && !/Mozilla Public License|TERMS AND CONDITIONS/i.test(own))
    return [own, readFileSync(path.join(root, copy), 'utf8').trim()]
      .filter((text) => text !== '')
      .join('\n\n');
  if (own !== '') return own;
  const holder = typeof manifest.author === 'string' ? manifest.author : manifest.author?.name;
  return standardTexts[licence]?.(holder ?? `the authors of ${manifest.name}`) ?? '';
};

const repositoryOf = (manifest: Manifest): string | null => {
  const url = typeof manifest.repository === 'string' ? manifest.repository : manifest.repository?.url;
  if (url === undefined) return null;
  const cleaned = url
    .replace(/^git\+/, '')
    .replace(/\.git$/, '')
    .replace(/^(git|ssh):\/\/(git@)?/, 'https://')
    .replace(/^git@([^:]+):/, 'https://$1/');
  return /^[\w-]+\/[\w.-]+$/.test(cleaned)
    ? `https://github.com/${cleaned}`
    : cleaned.replace(/^github:/, 'https://github.com/');
};

/** The packages in a bundle, by name, from the list of its inputs. */
export const bundledPackages = (root: string, metafile: Metafile): BundledPackage[] => {
  const filesByFolder = new Map<string, string[]>();
  for (const input of Object.keys(metafile.inputs)) {
    if (!input.startsWith('node_modules/')) continue;
    const folder = packageFolder(root, input);
    const files = filesByFolder.get(folder) ?? [];
    files.push(path.posix.relative(folder, input));
    filesByFolder.set(folder, files);
  }
  const packages = [...filesByFolder].map(([folder, files]): BundledPackage => {
    const manifest = JSON.parse(readFileSync(path.join(root, folder, 'package.json'), 'utf8')) as Manifest;
    const text = textOf(root, folder, manifest);
    return {
      name: manifest.name!,
      version: manifest.version!,
      licence: licenceOf(manifest, text),
      text,
      repository: repositoryOf(manifest),
      files: files.sort(),
    };
  });
  const key = (one: BundledPackage) => `${one.name}@${one.version}`;
  const unique = new Map(packages.map((one) => [key(one), one]));
  return [...unique.values()].sort((a, b) => (key(a) < key(b) ? -1 : 1));
};
