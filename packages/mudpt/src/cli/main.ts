/** The command line. Start it through the launcher, which chooses the adapter: `pnpm train`, `pnpm evaluate`... */
import { standWhereThePersonStands } from '../command.ts';
import { main } from './program.ts';

// The reader of a pipe has closed it (`| head`): stop without an error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(0);
});

standWhereThePersonStands();
process.exitCode = await main(process.argv.slice(2));
