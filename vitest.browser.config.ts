import { playwright } from '@vitest/browser-playwright';
import { defineConfig } from 'vitest/config';
import { findChromium } from './scripts/chromium.mjs';
import { readmeExamples } from './test/readme/plugin.ts';

/**
 * The device, file and input tests in headless Chromium, on its SwiftShader. Left out: `*.node.test.ts`, which need Node (files, processes), and
 * the tests of the f64 oracles, which run no kernel.
 */
export default defineConfig({
  plugins: [readmeExamples()],
  // Dawn's Node package is never reached from a page (`#gpu`), so Vite must not try to bundle it.
  optimizeDeps: { exclude: ['webgpu'] },
  test: {
    // The operations' own tests join once each has been seen to pass on Chromium's adapter within the time a suite may take.
    include: [
      'packages/tensor/src/{device,io}/**/*.test.ts',
      'packages/tensor/src/ops/{bincount,views}.test.ts',
      'packages/clip/**/*.test.ts',
      'test/readme/*.browser.test.ts',
    ],
    exclude: ['**/node_modules/**', '**/*.node.test.ts', '**/test/reference/**'],
    isolate: false,
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    browser: {
      enabled: true,
      headless: true,
      screenshotFailures: false,
      provider: playwright({
        launchOptions: {
          executablePath: findChromium(),
          // --no-sandbox: containers run as root.
          args: ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader', '--no-sandbox'],
        },
      }),
      instances: [{ browser: 'chromium' }],
    },
  },
});
