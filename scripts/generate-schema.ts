/** Writes `tailgate.schema.json`, by which editors complete tailgate.yml: `node scripts/generate-schema.ts`. */
import { schemaFiles, writeFiles } from './generate/generated-files.ts';

writeFiles(schemaFiles);
