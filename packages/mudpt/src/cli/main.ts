/** The command line. Start it through the launcher, which chooses the adapter: `pnpm train`, `pnpm evaluate`... */
import { main } from './program.ts';

process.exitCode = await main(process.argv.slice(2));
