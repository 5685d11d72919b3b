import { playwright } from '@vitest/browser-playwright';
import { defineConfig } from 'vitest/config';
import { findChromium } from './scripts/chromium.mjs';
import { readmeExamples } from './test/readme/plugin.ts';

/**
 * The suite of the engine, of the gradients, of onnx, of clip, and the examples in headless Chromium, on its SwiftShader: every `*.test.ts` that can run in a page.
 * Left out:
 * - `*.node.test.ts`, which need Node: files, processes, the tuner's file, the recorded plans that bench reads, two adapters at once;
 * - packages/testing: the tests of the f64 references run no kernel and are the same JavaScript in both;
 * - the launcher, scripts, bench, and of mudpt all but the methods (and `mudpt/core` by its README's example), which are Node programs.
 */
export default defineConfig({
  plugins: [readmeExamples()],
  // Dawn's Node package is never reached from a page (`#gpu`), so Vite must not try to bundle it.
  // zod is only reached from a worker, too late for Vite to prepare it without reloading the page.
  optimizeDeps: { exclude: ['webgpu'], include: ['mudpt > zod'] },
  test: {
    include: [
      'packages/{tensor,autograd,onnx,clip}/{src,test}/**/*.test.ts',
      'packages/mudpt/src/methods/**/*.test.ts',
      'examples/**/*.test.ts',
      'test/readme/*.browser.test.ts',
    ],
    exclude: ['**/node_modules/**', '**/*.node.test.ts'],
    tags: [{ name: 'device', description: 'runs kernels on the device of eachDevice (@mudpt/testing/support)' }],
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
          // --no-sandbox: containers run as root. What is drawn is on SwiftShader's Vulkan, too: else canvases and video frames share no memory with WebGPU.
          args: [
            '--enable-unsafe-webgpu',
            '--use-webgpu-adapter=swiftshader',
            '--use-vulkan=swiftshader',
            '--use-angle=swiftshader',
            '--enable-features=Vulkan',
            '--no-sandbox',
          ],
        },
      }),
      instances: [{ browser: 'chromium' }],
    },
  },
});
