/** Layers that carry a state from token to token in place of keys and values: linear attention, and a causal convolution. */
import * as engine from '@mudpt/tensor';
import type { Tensor } from '@mudpt/tensor';
import type { Call } from '../node/call.ts';
import { type Operator, type Operators, textAttribute } from '../node/operator.ts';

const RULES = ['linear', 'gated', 'delta', 'gated_delta'];

/** [B, T, heads * D] as [B, heads, T, D], f32. */
function headsOf(x: Tensor, heads: number): Tensor {
  const [batch = 1, tokens = 1, width = 1] = x.shape;
  return engine.permute(engine.reshape(engine.cast(x, 'f32'), [batch, tokens, heads, width / heads]), [0, 2, 1, 3]);
}

/** The states S [B, H, Dk, Dv] of a recurrence, read by queries: S decays, forgets what the key finds, and takes in key times value. */
function attended(call: Call): readonly [out: Tensor, state: Tensor] {
  const [readers, heads] = [call.int('q_num_heads'), call.int('kv_num_heads')];
  const rule = call.text('update_rule', 'gated_delta');
  const [isGated, corrects] = [rule.startsWith('gated'), rule.endsWith('delta')];
  const [q, k, v] = [headsOf(call.x(0), readers), headsOf(call.x(1), heads), headsOf(call.x(2), heads)];
  const [batch = 1, , tokens = 1, depth = 1] = q.shape;
  const [decay, beta, erase] = [4, 5, 6].map((index) => call.maybe(index));
  if (isGated !== (decay !== undefined) || corrects !== (beta !== undefined))
    throw call.error(
      `update_rule ${rule} comes ${decay ? 'with' : 'without'} decay and ${beta ? 'with' : 'without'} beta`,
      'export the model anew',
    );
  const factors = decay && engine.exp(headsOf(decay, heads));
  const rates = beta && headsOf(beta, beta.shape[2] ?? 1);
  const erased = erase ? engine.mul(headsOf(erase, heads), k) : k;
  const given = call.float('scale', 0);
  const scale = given === 0 ? 1 / Math.sqrt(depth) : given;
  const past = call.maybe(3);
  let state = past ? engine.cast(past, 'f32') : engine.zeros([batch, heads, depth, v.shape[3] ?? 1], { device: call.device });
  const at = (x: Tensor, token: number): Tensor => engine.narrow(x, 2, token, 1);
  const outs = Array.from({ length: tokens }, (_, token) => {
    const key = at(k, token);
    // A decay for each key channel, or one for all.
    if (factors) state = engine.mul(state, engine.transpose(at(factors, token), 2, 3));
    let value = at(v, token);
    if (rates) value = engine.mul(engine.sub(value, engine.matmul(at(erased, token), state)), at(rates, token));
    state = engine.add(state, engine.mul(engine.transpose(key, 2, 3), value));
    const shared = readers === heads ? state : engine.repeatInterleave(state, readers / heads, 1);
    return engine.matmul(at(q, token), shared, { alpha: scale });
  });
  const out = engine.permute(engine.cat(outs, 2), [0, 2, 1, 3]);
  return [engine.reshape(out, [batch, tokens, -1]), state];
}

const linearAttention: Operator = {
  by: 'composition',
  since: 27,
  refuses: (node) => {
    const rule = textAttribute(node, 'update_rule', 'gated_delta');
    return RULES.includes(rule) ? undefined : `with update_rule ${rule}`;
  },
  run: attended,
};

/** A convolution of each channel over a token and those before it, the first of which are the state. */
const causalConv: Operator = {
  by: 'composition',
  since: 27,
  refuses: (node) => {
    const activation = textAttribute(node, 'activation', 'none');
    return ['none', 'silu', 'swish'].includes(activation) ? undefined : `with activation ${activation}`;
  },
  run: (call) => {
    const [x, weight] = [call.x(0), call.x(1)];
    const [batch = 1, channels = 1] = x.shape;
    const before = (weight.shape[2] ?? 1) - 1;
    const past = call.maybe(3) ?? engine.zeros([batch, channels, before], { dtype: x.dtype, device: call.device });
    const whole = engine.cat([past, x], 2);
    const out = engine.conv1d(whole, weight, call.maybe(2), { groups: channels });
    return [
      call.text('activation', 'none') === 'none' ? out : engine.silu(out),
      engine.contiguousCopy(engine.narrow(whole, 2, (whole.shape[2] ?? 0) - before, before)),
    ];
  },
};

export const stateOperators: Operators = { CausalConvWithState: causalConv, LinearAttention: linearAttention };
