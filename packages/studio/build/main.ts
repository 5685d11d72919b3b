/** `build` writes the page to dist, `serve` builds and serves it, `dev` serves the sources as they change; `--peers` builds other engines into the bench page. */
import { build, createServer, preview } from 'vite';
import { installPagePeers } from '../../../bench/peers/install.ts';
import { config } from './config.ts';
import { POLICY } from './policy.ts';

const [command = 'build', ...words] = process.argv.slice(2);
const port = Number(words[words.indexOf('--port') + 1]) || 4173;

if (words.includes('--peers')) await installPagePeers();
if (command === 'build') await build(config);
else if (command === 'serve') {
  await build({ ...config, logLevel: 'warn' });
  (
    await preview({ ...config, preview: { port, strictPort: false, headers: { 'content-security-policy': POLICY } } })
  ).printUrls();
} else if (command === 'dev') {
  const server = await createServer({ ...config, server: { port, strictPort: false } });
  await server.listen();
  server.printUrls();
} else throw new Error(`there is no command ${command}: build, serve, dev`);
