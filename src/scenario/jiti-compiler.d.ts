// biome-ignore-all lint/style/noDefaultExport: the module is jiti's

declare module '*/jiti/dist/babel.cjs' {
  import type { TransformOptions, TransformResult } from 'jiti';

  const transform: (options: TransformOptions) => TransformResult;
  export default transform;
}
