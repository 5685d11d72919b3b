/** A plugin: what another package would give to --plugin, a method and a data set. */
import { type DatasetDefinition, openFolder, registerDataset, registerMethod } from 'mudpt';
import { sharedVpt } from './example-method.ts';

const drawings: DatasetDefinition = {
  name: 'drawings',
  summary: 'coloured shapes, a folder a class',
  template: 'a drawing of a {}.',
  async read(folder) {
    const { classNames, splits } = await openFolder(folder);
    return { classNames, splits };
  },
};

registerMethod(sharedVpt);
registerDataset(drawings);
