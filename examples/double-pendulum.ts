/**
 * Physics by derivatives: a double pendulum from its Lagrangian alone. Second derivatives of L at rest give the matrices of mass and stiffness, and their
 * eigenvalues the frequencies of small oscillations; away from rest the Euler-Lagrange equation gives the motion, which keeps the energy.
 */
import { grad, hessian, jvp } from '@mudpt/autograd';
import {
  capture,
  cholesky,
  cos,
  type Device,
  eigh,
  scope,
  select,
  solve,
  solveTriangular,
  type Tensor,
  tensor,
  zeros,
} from '@mudpt/tensor';

const G = 9.81;
/** Two masses of 1 kg on rods of 1 m: kinetic and potential energy at angles q and velocities v, [2] each. */
function energies(q: Tensor, v: Tensor) {
  const [q1, q2, v1, v2] = [select(q, 0, 0), select(q, 0, 1), select(v, 0, 0), select(v, 0, 1)];
  const both = v1.mul(v2).mul(cos(q1.sub(q2)));
  const kinetic = v1.square().add(v2.square().mul(0.5)).add(both);
  const potential = cos(q1)
    .mul(-2 * G)
    .sub(cos(q2).mul(G));
  return { kinetic, potential };
}
const energy = (q: Tensor, v: Tensor) => energies(q, v).kinetic.add(energies(q, v).potential);
const lagrangian = (q: Tensor, v: Tensor) => energies(q, v).kinetic.sub(energies(q, v).potential);

/** Frequencies of small oscillations around q = 0, in rad/s, ascending: K x = w^2 M x as an eigenproblem of one symmetric matrix. */
function frequencies(device: Device): Tensor {
  return scope(() => {
    const rest = zeros([2], { device });
    const mass = hessian((v: Tensor) => lagrangian(rest, v))(rest);
    const stiffness = hessian((q: Tensor) => lagrangian(q, rest))(rest).neg();
    const root = cholesky(mass);
    const half = solveTriangular(root, stiffness);
    return eigh(solveTriangular(root, half.transpose(0, 1))).values.sqrt();
  });
}

/** The acceleration: d/dt dL/dv = dL/dq, solved for it. */
function acceleration(q: Tensor, v: Tensor): Tensor {
  const mass = hessian((w: Tensor) => lagrangian(q, w))(v);
  const momentum = (at: Tensor) => grad((w: Tensor) => lagrangian(at, w))(v);
  const drift = jvp(momentum, [q], [v]).tangent;
  const force = grad((at: Tensor) => lagrangian(at, v))(q);
  return solve(mass, force.sub(drift).unsqueeze(1)).squeeze(1);
}

export default async function main(device: Device, { steps = 100 } = {}) {
  using computed = frequencies(device);
  const found = [...(await computed.data())];
  const exact = [Math.sqrt((2 - Math.SQRT2) * G), Math.sqrt((2 + Math.SQRT2) * G)];
  const error = Math.max(...exact.map((value, mode) => Math.abs((found[mode] ?? 0) - value) / value));
  console.log(
    `small oscillations: ${found.map((w) => w.toFixed(4)).join(' and ')} rad/s, relative error ${error.toExponential(1)}`,
  );

  // A step of the midpoint rule, recorded once with all its derivatives.
  const h = 0.005;
  using advance = capture(({ q, v }: { q: Tensor; v: Tensor }) => {
    const [qm, vm] = [q.add(v.mul(h / 2)), v.add(acceleration(q, v).mul(h / 2))];
    const [qn, vn] = [q.add(vm.mul(h)), v.add(acceleration(qm, vm).mul(h))];
    return { q: qn, v: vn, total: energy(qn, vn) };
  });
  using q0 = tensor([1.2, -0.7], { device });
  using v0 = zeros([2], { device });
  using before = scope(() => energy(q0, v0));
  let state = advance({ q: q0, v: v0 });
  for (let i = 1; i < steps; i += 1) state = advance({ q: state.q, v: state.v });
  const drift = Math.abs((await state.total.item()) - (await before.item())) / (3 * G);
  const [first = 0, second = 0] = await state.q.data();
  console.log(
    `after ${(steps * h).toFixed(2)} s: angles ${first.toFixed(3)} and ${second.toFixed(3)}, energy off by ${drift.toExponential(1)}`,
  );
  return { frequencies: found, error, drift, moved: Math.abs(first - 1.2) };
}
