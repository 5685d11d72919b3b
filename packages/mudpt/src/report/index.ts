export { writeReport } from './report.ts';
export { nearestWords } from './words.ts';
