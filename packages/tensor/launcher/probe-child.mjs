// Runs in a process of its own: opens Dawn, asks for an adapter and a device, prints what it got as one line of JSON.
// A driver may print, hang or crash; the parent survives that and treats it as "this driver does not work".
import { create, globals } from 'webgpu';

Object.assign(globalThis, globals);
const gpu = create([]);
const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
const device = await adapter?.requestDevice();
if (adapter && device) {
  const { vendor, architecture, device: name, description, isFallbackAdapter } = adapter.info;
  process.stdout.write(`\n${JSON.stringify({ vendor, architecture, device: name, description, isFallbackAdapter })}\n`);
  device.destroy();
}
// Dropping the object that create() returned aborts the process: it is still referenced here, at the very end.
process.exitCode = gpu && device ? 0 : 3;
