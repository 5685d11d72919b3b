import { describe, expect, it } from 'vitest';
import { fullNames, roleOf } from './names.ts';

describe('names in released state dicts', () => {
  it('are made whole: of a learner saved alone, and of DataParallel', () => {
    expect([...fullNames(['ctx', 'meta_net.linear1.weight'])]).toEqual([
      ['prompt_learner.ctx', 'ctx'],
      ['prompt_learner.meta_net.linear1.weight', 'meta_net.linear1.weight'],
    ]);
    expect([...fullNames(['module.prompt_learner.ctx', 'module.logit_scale'])]).toEqual([
      ['prompt_learner.ctx', 'module.prompt_learner.ctx'],
      ['logit_scale', 'module.logit_scale'],
    ]);
    expect([...fullNames(['module.ctx'])]).toEqual([['prompt_learner.ctx', 'module.ctx']]);
    // One name without the prefix: it is part of the others' names.
    expect([...fullNames(['module.a', 'b']).keys()]).toEqual(['module.a', 'b']);
  });

  it.each([
    ['prompt_learner.token_prefix', { kind: 'dropped' }],
    ['token_suffix', { kind: 'dropped' }],
    ['image_encoder.conv1.weight', { kind: 'frozen', weight: 'visual.conv1.weight' }],
    ['prompt_learner.ZS_image_encoder.ln_pre.bias', { kind: 'frozen', weight: 'visual.ln_pre.bias' }],
    ['text_encoder.ln_final.bias', { kind: 'frozen', weight: 'ln_final.bias' }],
    ['logit_scale', { kind: 'frozen', weight: 'logit_scale' }],
    ['prompt_learner.token_prefixes', { kind: 'learnt' }],
    ['image_encoder.VPT', { kind: 'learnt' }],
    ['text_encoder.conv1.weight', { kind: 'learnt' }],
  ])('%s is told', (name, role) => {
    const weights = new Set(['visual.conv1.weight', 'visual.ln_pre.bias', 'ln_final.bias', 'logit_scale']);
    expect(roleOf(name, (weight) => weights.has(weight))).toEqual(role);
  });
});
