export { identifyCheckpoint, locateCheckpoint } from './locate.ts';
export { describeImported } from './record.ts';
export { loadImported, readShapes } from './released.ts';
export { importable, settingsOfShapes } from './settings.ts';
