import { expect, it } from 'vitest';
import { eachDevice } from '../../test/support.ts';
import { expectClose } from '../../test/reference/compare.ts';
import { random } from '../../test/reference/inputs.ts';
import * as reference from '../../test/reference/matmul.ts';
import { tensor } from './create.ts';
import { matmul } from './matmul.ts';
eachDevice('matmul', (ctx) => {
  it('works', async () => {
    const a = random([37, 21], 1);
    const b = random([21, 18], 2);
    using x = tensor(a.data, { shape: a.shape, device: ctx.device });
    using y = tensor(b.data, { shape: b.shape, device: ctx.device });
    using z = matmul(x, y);
    expectClose(await z.data(), reference.matmul(a, b));
  });
});
