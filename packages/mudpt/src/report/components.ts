/** Drawings of the report that a page shows too: no files, no libraries of charts. */
export { type DiagramFacts, promptDiagram } from './diagram.ts';
export { Markup } from './markup.ts';
export { matrixSvg } from './matrix.ts';
export { type LayerWords, nearestWords } from './words.ts';
