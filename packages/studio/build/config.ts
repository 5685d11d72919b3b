/** How Vite builds the page: one static folder with relative paths, which any host serves. */
import { fileURLToPath } from 'node:url';
import type { InlineConfig } from 'vite';
import { commit } from './commit.ts';
import { offline } from './offline.ts';
import { isOfPeers, PEER_FILES, peers } from './peers.ts';
import { policy } from './policy.ts';
import { sample } from './sample.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

export const config: InlineConfig = {
  root: ROOT,
  configFile: false,
  base: './',
  plugins: [sample(), policy(), offline()],
  resolve: {
    alias: [
      {
        // Every browser with WebGPU unpacks by itself: no WebAssembly for it.
        find: '@zip.js/zip.js',
        replacement: fileURLToPath(new URL('../node_modules/@zip.js/zip.js/lib/zip-core-native.js', import.meta.url)),
      },
      {
        // Processor times are not told to pages.
        find: /^(@mudpt\/testing\/measure|\.)\/stopwatch(\.ts)?$/,
        replacement: fileURLToPath(new URL('../src/bench/stopwatch.ts', import.meta.url)),
      },
    ],
  },
  assetsInclude: ['**/*.safetensors'],
  esbuild: { jsx: 'automatic', jsxImportSource: 'preact' },
  worker: {
    format: 'es',
    plugins: () => [peers(), commit()],
    rollupOptions: {
      output: { chunkFileNames: ({ moduleIds }) => `assets/${isOfPeers(moduleIds) ? PEER_FILES : ''}[name]-[hash].js` },
    },
  },
  // Dawn's Node package is never reached from a page (`#gpu`), so Vite must not try to bundle it.
  optimizeDeps: { exclude: ['webgpu'], include: ['mudpt > zod'] },
  build: {
    target: 'es2022',
    outDir: 'dist',
    emptyOutDir: true,
    // A data: address in a style sheet or a script would need another line of the policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1200,
  },
};
