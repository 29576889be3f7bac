import { capacityDocument } from './capacity-document.ts';
import type { CapacityReport } from './capacity-model.ts';
import type { Document } from './document.ts';
import { reportDocument } from './report-document.ts';
import type { Report } from './report-model.ts';

/** What a command ends in: the report of a run, or of a search for the highest load. */
export type AnyReport = Report | CapacityReport;

export const isCapacity = (report: AnyReport): report is CapacityReport => 'kind' in report;

/** A report as the document that every writer reads. */
export const documentOf = (report: AnyReport): Document =>
  isCapacity(report) ? capacityDocument(report) : reportDocument(report);
