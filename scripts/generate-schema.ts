/**
 * Writes the schemas by which editors complete tailgate.yml (`tailgate.schema.json`) and scenario files
 * (`scenario.schema.json`): `node scripts/generate-schema.ts`.
 */
import { schemaFiles, writeFiles } from './generate/generated-files.ts';

writeFiles(schemaFiles);
