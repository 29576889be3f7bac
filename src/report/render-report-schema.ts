import * as z from 'zod';
import { capacityReportSchema } from './capacity-model.ts';
import { reportSchema } from './report-model.ts';

/** The JSON Schema (draft 2020-12) of the report, as `report.schema.json` holds it. */
export const renderReportSchema = (): string => render(reportSchema, 'Tailgate report');

/** The JSON Schema of the report of a capacity search, as `capacity.schema.json` holds it. */
export const renderCapacitySchema = (): string => render(capacityReportSchema, 'Tailgate capacity report');

function render(model: z.ZodType, title: string): string {
  const schema = z.toJSONSchema(model, { target: 'draft-2020-12' });
  return `${JSON.stringify({ ...schema, title }, null, 2)}\n`;
}
