/** The page of `pnpm examples`: a button for each program of this folder, and what it prints. */
import { Device } from '@mudpt/tensor';

type Program = { readonly default: (device: Device) => Promise<unknown> };

const programs: Readonly<Record<string, () => Promise<Program>>> = {
  mlp: () => import('./mlp.ts'),
  'char-gpt': () => import('./char-gpt.ts'),
  diffusion: () => import('./diffusion.ts'),
  digits: () => import('./digits.ts'),
  'k-means': () => import('./k-means.ts'),
  lora: () => import('./lora.ts'),
  'double-pendulum': () => import('./double-pendulum.ts'),
};
const [list, output] = [document.querySelector('#programs'), document.querySelector('#output')];
const print = console.log;
console.log = (...values: readonly unknown[]) => {
  print(...values);
  output?.append(`${values.join(' ')}\n`);
};

let running = Promise.resolve();
for (const [name, load] of Object.entries(programs)) {
  const button = document.createElement('button');
  button.textContent = name;
  button.addEventListener('click', () => {
    running = running.then(async () => {
      output?.replaceChildren();
      const device = await Device.open();
      try {
        await (await load()).default(device);
      } catch (error) {
        console.log(String(error));
      } finally {
        device.dispose();
      }
    });
  });
  list?.append(button, ' ');
}
