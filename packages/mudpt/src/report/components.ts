/** Drawings and sections of the report that the browser studio shows too: they need no files and no library of charts. */
export type { Evaluation, Prediction, RunSummary } from '../runs/records/records.ts';
export { accuracyCurve, lossCurve } from './curves.ts';
export { type DiagramFacts, promptDiagram } from './diagram.ts';
export { hardestImages, labelsToCheck, pairsTable } from './errors.ts';
export { type Markup } from './markup.ts';
export { matrixSvg } from './matrix.ts';
export { page } from './page.ts';
export { classTable, confusionSection, curves, headline, inside } from './sections.ts';
export { type LayerWords, nearestWords } from './words.ts';
