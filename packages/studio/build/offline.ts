/** A service worker that keeps the files of the built page, so that it opens without a network after the first load. */
import { createHash } from 'node:crypto';
import type { Plugin } from 'vite';
import { PEER_FILES } from './peers.ts';

/** Files come from the cache, whose name changes with any of them; everything else passes by. */
const program = (name: string, files: readonly string[]): string => `const NAME = ${JSON.stringify(name)};
const FILES = ${JSON.stringify(files)};
self.addEventListener('install', (event) => {
  event.waitUntil(caches.open(NAME).then((cache) => cache.addAll(FILES)).then(() => self.skipWaiting()));
});
self.addEventListener('activate', (event) => {
  const older = (all) => all.filter((one) => one.startsWith('mudpt-studio-') && one !== NAME);
  event.waitUntil(caches.keys().then((all) => Promise.all(older(all).map((one) => caches.delete(one)))).then(() => self.clients.claim()));
});
self.addEventListener('fetch', (event) => {
  const { method, url } = event.request;
  if (method !== 'GET' || !url.startsWith(self.registration.scope)) return;
  event.respondWith(caches.open(NAME).then((cache) => cache.match(event.request, { ignoreSearch: true })).then((kept) => kept ?? fetch(event.request)));
});
`;

export function offline(): Plugin {
  return {
    name: 'studio-offline',
    apply: 'build',
    enforce: 'post',
    generateBundle(_, bundle) {
      // Other engines are fetched by those who compare: nobody else needs them.
      const names = Object.values(bundle).map(({ fileName }) => fileName);
      // Hosts read `_headers` and do not serve it.
      const isKept = (name: string): boolean => name !== '_headers' && !name.includes(`/${PEER_FILES}`);
      const files = names.filter(isKept).map((name) => `./${name}`);
      const hash = createHash('sha256');
      for (const entry of Object.values(bundle))
        hash.update(entry.fileName).update(entry.type === 'chunk' ? entry.code : entry.source);
      const name = `mudpt-studio-${hash.digest('hex').slice(0, 12)}`;
      this.emitFile({ type: 'asset', fileName: 'offline.js', source: program(name, ['./', './icon.svg', ...files]) });
    },
  };
}
