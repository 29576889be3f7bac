import { type CapacityReport, capacityReportSchema } from './capacity-model.ts';

/** The report of a capacity search as JSON, keys in the order of its schema. */
export const renderCapacityJson = (report: CapacityReport): string =>
  `${JSON.stringify(capacityReportSchema.parse(report), null, 2)}\n`;
