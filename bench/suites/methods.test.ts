import { CLIP_CONFIGS, type ClipConfig } from '@mudpt/clip';
import { Device } from '@mudpt/tensor';
import { expect, it } from 'vitest';
import { learners, methods } from './methods.ts';

/** As deep as ViT-B/16, for which the methods' settings are, and thin. */
function thin(width: number): ClipConfig {
  const { image, text } = CLIP_CONFIGS['ViT-B/16'];
  const sizes = { width, heads: 1, hidden: width };
  return { embed: width, image: { ...image, ...sizes, size: 32 }, text: { ...text, ...sizes } };
}

it('measures one step of methods that wrap others, have words in their texts, or learn from a teacher', async ({ skip }) => {
  const device = await Device.open({ tuning: 'none' });
  try {
    if (device.adapter.kind !== 'lavapipe') skip('the steps are the same on other adapters, and take longer to compile');
    const names = ['atprompt', 'dept', 'promptkd'];
    expect(learners()).toEqual(expect.arrayContaining(names));
    const rows = await methods(
      device,
      { seconds: 0, samples: 1, least: 1 },
      {
        classes: 4,
        names,
        models: { student: { name: 'student', config: thin(16) }, teacher: { name: 'teacher', config: thin(24) } },
      },
    );
    expect(rows.map(({ extra }) => extra?.['method'])).toEqual(['mudpt', ...names]);
    for (const { name, median, extra } of rows) {
      expect(median, name).toBeGreaterThan(0);
      expect(extra?.['plan bytes'], name).toBeGreaterThan(0);
    }
    expect(rows[3]?.name).toBe('step student B4 C4, PromptKD of teacher');
    // Two layers between the widths of both, a batch norm, whose statistics are not learnt, and prompts in nine blocks.
    expect(rows[3]?.extra?.['parameters']).toBe(9 * 4 * 16 + (16 * 24 + 24) + 2 * 24 + (24 * 24 + 24));
  } finally {
    device.dispose();
  }
});
