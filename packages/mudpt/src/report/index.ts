export { type ReportSources, writeReport } from './report.ts';
export { type LayerWords, nearestWords, type RowWords } from './words.ts';
