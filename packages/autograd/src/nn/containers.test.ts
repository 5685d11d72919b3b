import { expect, it } from 'vitest';
import { add, relu, type Tensor } from '@mudpt/tensor';
import { eachDevice } from '@mudpt/testing/support';
import { freeze, Linear, LSTM, Module, ModuleDict, ModuleList, randomFrom, Sequential, summary, unfreeze } from '../index.ts';

eachDevice('containers of modules', (ctx) => {
  const linear = (inputs: number, outputs: number): Linear =>
    new Linear(inputs, outputs, { device: ctx.device, random: randomFrom(1) });

  it('name their modules, which are learnt, frozen and disposed with them', () => {
    class Net extends Module {
      readonly blocks = new ModuleList([linear(3, 3), linear(3, 3)]);
      readonly heads = new ModuleDict({ a: linear(3, 2), b: linear(3, 1) });
      forward(x: Tensor): Tensor {
        let sum = x;
        for (const block of this.blocks) sum = add(sum, block.forward(sum));
        return this.heads.get('a').forward(sum);
      }
    }
    using net = new Net();
    const names = [...net.namedTensors()].map(([name]) => name);
    expect(names).toEqual([
      ...['blocks.0.weight', 'blocks.0.bias', 'blocks.1.weight', 'blocks.1.bias'],
      ...['heads.a.weight', 'heads.a.bias', 'heads.b.weight', 'heads.b.bias'],
    ]);
    expect(net.blocks.at(-1)).toBe([...net.blocks][1]);
    expect(() => net.blocks.at(2)).toThrow(/there is no module 2 of 2/);
    expect(() => net.heads.get('c' as never)).toThrow(/Names are a, b/);
    freeze(net, 'blocks.');
    expect(net.parameters()).toHaveLength(4);
    unfreeze(net, /bias$/);
    expect(net.parameters()).toHaveLength(6);
    freeze(net, (name) => name.startsWith('heads'));
    expect(net.parameters()).toHaveLength(2);
    expect(() => freeze(net, 'body.')).toThrow(/no tensor is named by body\.[\s\S]*blocks\.0\.weight/);
    net.blocks.push(linear(3, 3));
    expect(net.blocks).toHaveLength(3);
  });

  it('Sequential names its layers', () => {
    using named = new Sequential({ hidden: linear(2, 4), relu, out: linear(4, 1) });
    expect(Object.keys(named.stateDict())).toEqual(['hidden.weight', 'hidden.bias', 'out.weight', 'out.bias']);
    using numbered = new Sequential(linear(2, 4), relu, linear(4, 1));
    expect(Object.keys(numbered.stateDict())).toContain('layers.2.bias');
  });

  it('summary lists layers as they run, their outputs and parameters', () => {
    using net = new Sequential({ hidden: linear(2, 4), relu, out: linear(4, 1) });
    freeze(net, 'hidden');
    const table = summary(net, [5, 2]);
    expect(table.rows.map(({ name, kind, outputs, parameters }) => [name, kind, outputs, parameters])).toEqual([
      ['', 'Sequential', [[5, 1]], 0],
      ['hidden', 'Linear', [[5, 4]], 12],
      ['out', 'Linear', [[5, 1]], 5],
    ]);
    expect([table.parameters, table.trainable]).toEqual([17, 5]);
    expect(String(table).split('\n')).toEqual(
      [
        'layer            output  parameters',
        'Sequential       [5, 1]',
        '  hidden (Linear)  [5, 4]          12',
        '  out (Linear)   [5, 1]           5',
        '17 parameters, 5 of them learnt',
      ].map((line) =>
        expect.stringMatching(
          new RegExp(
            line
              .trim()
              .split(/ +/)
              .map((word) => word.replace(/[[\]()]/g, '\\$&'))
              .join(' +'),
          ),
        ),
      ),
    );
    expect(net.training).toBe(true);
    using lstm = new LSTM(2, 3, { device: ctx.device, random: randomFrom(1) });
    expect(summary(lstm, [1, 4, 2]).rows[0]?.outputs).toEqual([
      [1, 4, 3],
      [1, 1, 3],
      [1, 1, 3],
    ]);
    expect(lstm.forward.name).not.toBe('value');
  });
});
