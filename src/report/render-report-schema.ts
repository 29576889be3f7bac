import { z } from 'zod';
import { reportSchema } from './report-model.ts';

/** The JSON Schema (draft 2020-12) of the report, as `report.schema.json` holds it. */
export const renderReportSchema = (): string => {
  const schema = z.toJSONSchema(reportSchema, { target: 'draft-2020-12' });
  return `${JSON.stringify({ ...schema, title: 'Tailgate report' }, null, 2)}\n`;
};
